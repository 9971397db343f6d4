"""One warm process: claim, run, claim again; torch and MACE are imported once.

Started once per slot by `launchers.workers.node`, or called by anything that has a farm. SIGINT, SIGTERM, SIGUSR1 or the deadline drain:
the job in hand goes back into the queue (its checkpoint stays), and the process ends, within `GRACE_S` even if it waits
for a lock or for the database.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from fireworks import FWorker, LaunchPad

from launchers.envelopes import load
from launchers.farm import Farm
from launchers.queue.askers import ASKERS
from launchers.queue.endings import DRAINED, LEFT, OUT_OF_TIME, RESTS_UNTIL, is_away
from launchers.queue.locks import patient_locks
from launchers.queue.patience import DATABASE_AWAY
from launchers.queue.processes import ProcessName
from launchers.queue.resources import DEVICE
from launchers.queue.walltime import Paces, Stopwatch, fitting, left_s
from launchers.workers.deadline import deadline_file, told
from launchers.workers.heartbeats import SlotBeat
from launchers.workers.in_hand import goes_on
from launchers.workers.pulse import TOLD, beating
from launchers.workers.rescue import DRAIN_NOTE, Reaper
from launchers.workers.run_directory import output_to, run_directory
from launchers.workers.settings import WorkerSettings
from launchers.workers.watch import watch

ASKED = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)  # the last by schedulers, some time before the end
IDLE_S = 0.5
HOUSEKEEPING_S = 5.0
AGAIN_S = 0.3  # from a signal that no task has heard to the first time that it is said again
GRACE_S = 6.0  # from a signal to the end of the process; a third more where compiled code hears no signal
WARNED_S = 60.0  # before the deadline: schedulers warn half a minute earlier than they are told
THEN_S = 10.0  # an `advance` releases work at once: this is for one that was lost


class Drained(BaseException):
    """This process was asked to stop: the job in hand goes back into the queue."""

    def __init__(self, *, late: bool = False) -> None:
        super().__init__()
        self.late = late  # as the allocation ends

    def to_dict(self) -> dict[str, str]:
        return {"machine_trouble": (OUT_OF_TIME if self.late else DRAINED).kind}


class Superseded(BaseException):
    """The job in hand was put back by somebody who took this worker for dead: it is somebody else's now."""

    def to_dict(self) -> dict[str, str]:
        return {"machine_trouble": LEFT.kind}


class ChoosingFWorker(FWorker):
    """Leaves alone what is for other devices or more than its slot has, what its asker, if it has one, does not ask for, what rests after trouble of
    its own, and what does not fit before the deadline."""

    def __init__(self, farm: Farm, settings: WorkerSettings, name: str) -> None:
        super().__init__(name=name, category=list(settings.categories))
        self.settings, self._paces = settings, Paces(farm)

    @property
    def query(self) -> dict[str, Any]:
        asked = {**super().query, **taken_by(self.settings), f"spec.{RESTS_UNTIL}": {"$not": {"$gt": time.time()}}}
        left = left_s(self.settings.deadline)
        if left is None:
            return asked
        return {**asked, "$and": [*asked.get("$and", []), self.settings.offer.query(left), fitting(self._paces.known(), left)]}


class Worker:
    """Runs rockets one after another in this process."""

    def __init__(self, farm: Farm, settings: WorkerSettings) -> None:
        self.farm = farm
        self.settings = settings
        self.draining = False
        self._raised = False
        self._asked_at = 0.0
        self._directory: Path | None = None
        self._then = load(settings.then) if isinstance(settings.then, str) else settings.then
        self._called = -THEN_S
        self._kept_house = -HOUSEKEEPING_S
        self.name = ProcessName.mine()
        self.reaper = Reaper(farm, settings.patience_s, self.name)
        self.slot = SlotBeat(farm, self.name, settings.deadline, settings.offer)
        self.stopwatch = Stopwatch(farm)
        self._launchpad = farm.launchpad
        self.fworker = ChoosingFWorker(farm, settings, str(self.name))
        self._deadline_file = deadline_file(settings.run_root, self.slot.node) if self.slot.node else None
        self._new_deadline: float | None = None

    def run(self) -> int:
        """Work until drained, past the deadline or (if asked) out of work; return how many jobs were run."""
        self._listen()
        try:
            with (
                watch(self._asks, self._leave_note, 1.3 * GRACE_S),
                patient_locks(self.settings.patience_s),
                delivering(self.farm, self.slot, self.reaper, self.stopwatch) as self._launchpad,
                beating(self.slot, self._has_news),
            ):
                return self._run()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _run(self) -> int:
        done = 0
        while not self.draining:
            try:
                self._keep_house()
                if self._run_one():
                    done += 1
                elif not self._find_more():
                    break
            except (*DATABASE_AWAY, RuntimeError, OSError) as error:
                print(f"{trouble(error)}; trying again", flush=True)
                time.sleep(2)
        with suppress(*DATABASE_AWAY):
            self.stopwatch.tell()
        return done

    def _run_one(self) -> bool:
        if not self._is_ready():
            self.slot.ends()
            self.stopwatch.tell()
            return False
        from fireworks.core.rocket_launcher import launch_rocket

        with run_directory(self.settings.run_root) as self._directory, output_to(self._directory / "job.log"):
            ran = launch_rocket(self._launchpad, self.fworker, strm_lvl="ERROR")
            (self._directory / DRAIN_NOTE).unlink(missing_ok=True)  # it was said in the database
        if self.draining or not ran:
            self.slot.ends()  # else with its next job: there is mostly one
        if self.draining:
            self.reaper.reap_of_slots()  # what was drained arrives as FIZZLED
        return ran

    def _keep_house(self, *, idle: bool = False) -> None:
        """Put lost work back. What is not of this host's slots the node looks for, where there is one."""
        if time.monotonic() - self._kept_house < (IDLE_S if idle else HOUSEKEEPING_S):
            return
        if self.slot.node:
            self.reaper.reap_of_slots()
        else:
            self.reaper.reap()
        self.stopwatch.tell()
        self._kept_house = time.monotonic()

    def _is_ready(self) -> bool:
        """Whether there is something to check out: in one question, where FireWorks' own `run_exists` reads the job."""
        return self.farm.launchpad.fireworks.find_one({**self.fworker.query, "state": "READY"}, {"_id": 1}) is not None

    def _find_more(self) -> bool:
        """Nothing is ready: see whether something can be released. False: there is nothing to wait for."""
        busy = has_work(self.farm, self.settings, self.settings.asker)
        if self._then is not None and (not busy or time.monotonic() - self._called > THEN_S):
            if self._then(self.farm) is False:
                busy = True  # it looks later
            else:
                self._called = time.monotonic()
        if self.settings.until_empty and not busy:
            # it would end with work left that nobody has put back; what was may rest, and what is locked is not yet
            busy = bool(self.reaper.reap() or self.reaper.locked)
        else:
            self._keep_house(idle=True)
        if self._is_ready():
            return True
        if self.settings.until_empty and (not busy or self._waits_in_vain()):
            return False
        time.sleep(IDLE_S if busy else IDLE_S * 4)
        return True

    def _waits_in_vain(self) -> bool:
        """Whether what is ready does not fit before the deadline, and nothing runs that could release more."""
        if self.settings.deadline is None or has_work(self.farm, asker=self.settings.asker):
            return False
        print("what is ready takes longer than what is left of this allocation", flush=True)
        return True

    def _listen(self) -> None:
        for number in (*ASKED, signal.SIGALRM):
            signal.signal(number, self._drain)
        signal.signal(TOLD, self._hear)
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self.settings.deadline is not None:
            signal.setitimer(signal.ITIMER_REAL, max(self.settings.deadline - time.time(), 0.001))

    def _has_news(self) -> bool:
        """Whether the node has meanwhile said another deadline."""
        found = None if self._deadline_file is None else told(self._deadline_file)
        if found is not None and found != self.settings.deadline:
            self._new_deadline = found
        return self._new_deadline is not None

    def _asks(self, number: int) -> bool:
        """Whether this signal asks the worker to end; an alarm may be a job's own."""
        late = self.settings.deadline is not None and time.time() >= self.settings.deadline
        return number in ASKED or (number == signal.SIGALRM and late)

    def _drain(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - a signal handler's signature
        """Asked once, it goes on asking itself: what has not ended by then waits for something."""
        if not self.draining:
            self.draining, self._asked_at = True, time.monotonic()
            self._leave_note()
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S, GRACE_S / 3)  # soon: a task may be about to begin
        elif time.monotonic() - self._asked_at > 0.9 * GRACE_S:
            with suppress(OSError):
                print(f"did not end within {GRACE_S:.0f} s: the next worker puts its job back", flush=True)
            os._exit(0)
        if in_task(frame) and not self._raised:
            self._raised = True
            raise Drained(late=self._is_late)

    @property
    def _is_late(self) -> bool:
        """Whether the deadline is there, or so near that it is what a scheduler warns of."""
        return self.settings.deadline is not None and time.time() >= self.settings.deadline - WARNED_S

    def _hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as above
        """Take a new deadline; give up a job that is computed, or will be, by another."""
        deadline, self._new_deadline = self._new_deadline, None
        if deadline is not None and not self.draining:
            self.settings = self.fworker.settings = replace(self.settings, deadline=deadline)
            self.slot.deadline = deadline
            self._set_alarm()
        lost, self.slot.lost = self.slot.lost, None
        if lost is not None and lost == self.slot.launch_id and in_task(frame):
            raise Superseded

    def _leave_note(self) -> None:
        """In the run directory: whoever finds the job of this process then knows that it was asked to stop."""
        if self._directory is not None:
            with suppress(OSError):
                (self._directory / DRAIN_NOTE).touch()


@contextmanager
def delivering(farm: Farm, slot: SlotBeat, reaper: Reaper, stopwatch: Stopwatch) -> Iterator[LaunchPad]:
    """Within it, what jobs of this process find is kept until the database has it; what dead ones left is delivered first."""
    from jobflow import SETTINGS

    from launchers.workers.deliveries import Leftovers, PatientStore, WorkersLaunchPad, waiting
    from launchers.workers.spool import Spool

    spool = waiting(lambda: Spool.of(farm.identity))
    reaper.first = Leftovers(farm, spool).deliver
    waiting(reaper.first)
    waiting(slot.appear)
    before, SETTINGS.JOB_STORE = SETTINGS.JOB_STORE, PatientStore(farm.store, spool, slot)
    try:
        yield WorkersLaunchPad(farm, spool, slot, stopwatch)
    finally:
        SETTINGS.JOB_STORE = before


def trouble(error: Exception) -> str:
    """What a worker waits for, in words.

    Raises:
        Exception: `error` itself, where waiting is no cure.
    """
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left for runs ({error.strerror})"
    if is_away(error):
        return f"the database does not answer ({type(error).__name__})"
    raise error


def has_work(farm: Farm, takes: WorkerSettings | None = None, asker: str | None = None) -> bool:
    """Whether any work (of an `asker`, if given) is in hand, which may release more, or is ready for a worker that `takes`
    such.

    What a silent machine has in hand does not count: it would be waited for without end.
    """
    asked: dict[str, Any] = {} if asker is None else {f"spec.{ASKERS}": asker}
    if goes_on(farm, asked):  # first: what ends after it has made ready what it releases before the second look
        return True
    if takes is None:
        return False
    ready = {**taken_by(takes), **asked, "state": "READY"}
    return farm.launchpad.fireworks.find_one(ready, {"_id": 1}) is not None


def taken_by(settings: WorkerSettings) -> dict[str, Any]:
    """A query on fireworks: those that a worker of these settings takes, if it takes any now."""
    found: dict[str, Any] = {"$and": [settings.offer.query()]}
    if settings.categories:
        found["spec._category"] = {"$in": list(settings.categories)}
    if settings.devices:
        found[f"spec.{DEVICE}"] = {"$in": [*settings.devices, None]}
    if settings.asker is not None:
        found[f"spec.{ASKERS}"] = settings.asker
    return found


def in_task(frame: FrameType | None) -> bool:
    """Whether a rocket's task is being run: elsewhere an exception would tear a queue update in two."""
    while frame is not None:
        if frame.f_code.co_name == "run_task":
            return True
        frame = frame.f_back
    return False
