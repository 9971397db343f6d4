"""SIGTERM at random moments of real workers, from their first import to their last write: they end, and nothing is lost."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launchers.queue.claims import add
from launchers.queue.launchpad import counts
from launchers.workers.rescue import Reaper

BOUND_S = 10.0
COMMAND = {
    "slot": [sys.executable, "-m", "launchers.workers.slot"],
    "work": [sys.executable, "-c", "from campaign.cli import run_main; run_main()", "work", "--slots", "2"],
}


def told_to_end(kind: str, runs: Path, after_s: float) -> float:
    """Start a worker, or the command that starts two; SIGTERM after `after_s`; how long it then took to end."""
    more = ["--run-root", str(runs), "--patience=0.5"] if kind == "slot" else []
    with (runs / f"{kind}.log").open("ab") as log:
        process = subprocess.Popen([*COMMAND[kind], *more], stdout=log, stderr=log, start_new_session=True)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(after_s)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, 130, -signal.SIGTERM)  # the last: while Python itself starts
        return time.monotonic() - began
    finally:
        process.kill()


def fill(farm, toy_task, envelope, number: int) -> None:
    """Jobs of no time and of seconds."""
    tasks = [toy_task(value=100 * number + one, seconds=seconds) for one, seconds in enumerate((0, 0, 0.2, 1, 3, 20))]
    add(farm, [envelope(task) for task in tasks])


@pytest.mark.parametrize(
    "moments", [pytest.param(3, id="a few"), pytest.param(25, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1200)])]
)
def test_a_worker_ends_whenever_it_is_told_to(farm, toy_task, envelope, tmp_path: Path, moments: int) -> None:
    dice, took = random.Random(7), []
    for number in range(moments):
        fill(farm, toy_task, envelope, number)
        after_s = dice.uniform(0, 9)
        took.append((told_to_end(dice.choice(list(COMMAND)), tmp_path, after_s), round(after_s, 2)))
    print(f"longest of {moments}: {max(took)[0]:.1f} s, told {max(took)[1]} s after its start; all: {sorted(took)}")
    assert max(took)[0] < BOUND_S, took
    for _ in range(2):  # a lock is taken from the dead when it is seen twice
        Reaper(farm, 0).reap()
    assert set(counts(farm)) <= {"READY", "COMPLETED"}, counts(farm)
    assert sum(counts(farm).values()) == 6 * moments
    assert farm.launchpad.launches.count_documents({"ended.own": True}) == 0  # no attempt was counted against a job
