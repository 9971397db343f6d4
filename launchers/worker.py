"""One warm process: claim, run, claim again; torch and MACE are imported once.

Started once per slot by `launchers.node`, or called by anything that has a farm. The first or SIGTERM drains: the job in hand goes back into the queue (its checkpoint stays), and the process ends.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from launchers.envelopes import load
from launchers.farm import Farm
from launchers.patience import DATABASE_AWAY
from launchers.processes import ProcessName
from launchers.rescue import Reaper
from launchers.settings import WorkerSettings

IDLE_S = 0.5
HOUSEKEEPING_S = 5.0
THEN_S = 10.0  # an `advance` releases work at once: this is for one that was lost


class Drained(BaseException):
    """This process was asked to stop: the job in hand goes back into the queue."""

    def to_dict(self) -> dict[str, str]:
        return {"machine_trouble": "drained"}


class Worker:
    """Runs rockets one after another in this process."""

    def __init__(self, farm: Farm, settings: WorkerSettings) -> None:
        from fireworks import FWorker

        self.farm = farm
        self.settings = settings
        self.draining = False
        self._then = load(settings.then) if isinstance(settings.then, str) else settings.then
        self._called = -THEN_S
        self.reaper = Reaper(farm, settings.patience_s)
        self.fworker = FWorker(name=str(ProcessName.mine()), category=list(settings.categories))

    def run(self) -> int:
        """Work until drained, past the deadline or (if asked) out of work; return how many jobs were run."""
        self._listen()
        done = 0
        kept_house = 0.0
        while not self.draining:
            try:
                if time.monotonic() - kept_house > HOUSEKEEPING_S:
                    self.reaper.reap()
                    kept_house = time.monotonic()
                if self._run_one():
                    done += 1
                elif not self._find_more():
                    break
            except DATABASE_AWAY as error:
                print(f"the database does not answer ({type(error).__name__}); trying again", flush=True)
                time.sleep(2)
        return done

    def _run_one(self) -> bool:
        if not self.farm.launchpad.run_exists(self.fworker):
            return False
        from fireworks.core.rocket_launcher import launch_rocket

        with run_directory(self.settings.run_root) as directory, output_to(directory / "job.log"):
            ran = launch_rocket(self.farm.launchpad, self.fworker, strm_lvl="ERROR")
        if self.draining:
            self.reaper.reap()  # what was drained arrives as FIZZLED
        return ran

    def _find_more(self) -> bool:
        """Nothing is ready: see whether something can be released. False: there is nothing to wait for."""
        busy = in_hand(self.farm, self.settings.categories)
        if self._then is not None and (not busy or time.monotonic() - self._called > THEN_S):
            self._then(self.farm)
            self._called = time.monotonic()
        self.reaper.reap()
        if self.farm.launchpad.run_exists(self.fworker):
            return True
        if not busy and self.settings.until_empty:
            return False
        time.sleep(IDLE_S if busy else IDLE_S * 4)
        return True

    def _listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._drain)
        if self.settings.deadline is not None:
            signal.signal(signal.SIGALRM, self._drain)
            signal.setitimer(signal.ITIMER_REAL, max(self.settings.deadline - time.time(), 0.001))

    def _drain(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        again, self.draining = self.draining, True
        if in_task(frame) and not again:
            raise Drained


def in_hand(farm: Farm, categories: tuple[str, ...] = ()) -> bool:
    """Whether any work is running, which may release more, or is ready (in one of `categories`, if given)."""
    ready: dict[str, Any] = {"state": "READY"}
    if categories:
        ready["spec._category"] = {"$in": list(categories)}
    states = {"$or": [{"state": {"$in": ["RESERVED", "RUNNING"]}}, ready]}
    return farm.launchpad.fireworks.find_one(states, {"_id": 1}) is not None


def in_task(frame: FrameType | None) -> bool:
    """Whether a rocket's task is being run: elsewhere an exception would tear a queue update in two."""
    while frame is not None:
        if frame.f_code.co_name == "run_task":
            return True
        frame = frame.f_back
    return False


@contextmanager
def run_directory(root: Path) -> Iterator[Path]:
    """A new directory under `root` as the working directory; removed again if nothing was left in it."""
    from tempfile import mkdtemp

    root.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    directory = Path(mkdtemp(prefix=time.strftime("%Y-%m-%d-%H%M%S-"), dir=root))
    os.chdir(directory)
    try:
        yield directory
    finally:
        os.chdir(before)
        log = directory / "job.log"
        if log.exists() and log.stat().st_size == 0:
            log.unlink()
        if not any(directory.iterdir()):
            directory.rmdir()


@contextmanager
def output_to(path: Path) -> Iterator[None]:
    """Send everything that this process and its children print into `path`: no job sees another's log."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)
