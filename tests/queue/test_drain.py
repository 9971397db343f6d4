"""A lock that a dead process left costs a worker its patience, no more; a signal ends it whatever it waits for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from launchers.database import ladder
from launchers.queue.claims import add
from launchers.queue.launchpad import counts
from launchers.queue.locks import patient_locks
from launchers.workers.rescue import Reaper

BOUND_S = 10.0


def slot(directory: Path, patience: float) -> subprocess.Popen:
    command = [sys.executable, "-m", "launchers.workers.slot", "--run-root", str(directory), "--until-empty"]
    return subprocess.Popen([*command, f"--patience={patience}"], start_new_session=True)


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def drain(process: subprocess.Popen) -> float:
    """Send SIGTERM; the seconds until the process has ended, as it was asked to."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(60) == 0
    finally:
        process.kill()
    return time.monotonic() - began


def lock(farm) -> None:
    farm.launchpad.workflows.update_many({}, {"$set": {"locked": True}})


def test_one_worker_takes_a_left_lock_over(farm, toy_task, envelope, tmp_path):
    add(farm, [envelope(toy_task(value=number)) for number in range(2)])
    lock(farm)
    began = time.monotonic()
    assert slot(tmp_path, 1.0).wait(120) == 0
    assert time.monotonic() - began < 60
    assert counts(farm) == {"COMPLETED": 2}
    assert farm.launchpad.workflows.count_documents({"locked": {"$exists": True}}) == 0


def test_a_lock_left_while_a_job_runs_is_taken_over_too(farm, toy_task, envelope, tmp_path):
    add(farm, [envelope(toy_task(value=1, seconds=2))])
    process = slot(tmp_path, 1.0)
    wait_for(lambda: counts(farm) == {"RUNNING": 1})
    lock(farm)
    assert process.wait(60) == 0
    assert counts(farm) == {"COMPLETED": 1}


def test_a_lock_that_moves_is_of_the_living(farm, toy_task, envelope):
    """Its workflow changes: whoever holds it is at work, or a new one holds it."""
    add(farm, [envelope(toy_task(value=1))])
    lock(farm)
    find_one, began = farm.launchpad.workflows.find_one, time.monotonic()

    def busy(*query, **more):
        if time.monotonic() - began < 1.5:
            farm.launchpad.workflows.update_one({}, {"$set": {"updated_on": str(time.time())}})
        return find_one(*query, **more)

    with pytest.MonkeyPatch.context() as patch, patient_locks(1.0):
        patch.setattr(farm.launchpad.workflows, "find_one", busy)
        farm.launchpad._refresh_wf(1)
    assert time.monotonic() - began > 2.0


def test_of_two_that_wait_one_takes_the_lock_over(farm, toy_task, envelope):
    from fireworks.core import launchpad

    add(farm, [envelope(toy_task(value=1))])
    lock(farm)
    with patient_locks(0):
        first, second = launchpad.WFLock(farm.launchpad, 1), launchpad.WFLock(farm.launchpad, 1)
        seen = farm.launchpad.workflows.find_one({}, {"locked": 1, "updated_on": 1, "nodes": 1})
        assert first._take_over(seen)
        assert not second._take_over(seen)


@pytest.mark.parametrize("moment", ["before the job", "after it"])
def test_sigterm_while_waiting_for_a_lock(farm, toy_task, envelope, tmp_path, moment):
    add(farm, [envelope(toy_task(value=1, seconds=2))])
    if moment == "before the job":
        lock(farm)
    process = slot(tmp_path, 300.0)
    wait_for(lambda: counts(farm) == {"RUNNING": 1})
    if moment == "after it":
        checked_out = {"fw_states.1": "RUNNING", "locked": {"$exists": False}}
        wait_for(lambda: farm.launchpad.workflows.find_one(checked_out))
        lock(farm)
        wait_for(lambda: farm.launchpad.launches.find_one({})["state"] == "COMPLETED")
    time.sleep(4)
    assert drain(process) < BOUND_S
    farm.launchpad.workflows.update_many({}, {"$unset": {"locked": True}})
    for _ in range(2):
        Reaper(farm, 0).reap()
    assert counts(farm) == ({"READY": 1} if moment == "before the job" else {"COMPLETED": 1})
    assert farm.launchpad.launches.count_documents({"ended.own": True}) == 0


@pytest.fixture
def server() -> int:
    """The process of the database, which a test may stop and let go on."""
    process = ladder.status().get("process")
    if not process:
        pytest.skip("the database is not one of ours to stop")
    return process


def test_sigterm_while_the_database_is_away(farm, toy_task, envelope, tmp_path, server):
    add(farm, [envelope(toy_task(value=1, seconds=3))])
    process = slot(tmp_path, 1.0)
    wait_for(lambda: counts(farm) == {"RUNNING": 1})
    os.kill(server, signal.SIGSTOP)
    try:
        time.sleep(5)
        assert drain(process) < BOUND_S
    finally:
        os.kill(server, signal.SIGCONT)
    assert Reaper(farm, 0).reap() == [1]
    assert farm.launchpad.launches.count_documents({"ended.own": True}) == 0
    assert counts(farm) == {"READY": 1}


def test_sigterm_in_a_job_that_cannot_tell_the_database(farm, toy_task, envelope, tmp_path, server):
    add(farm, [envelope(toy_task(value=1, seconds=100))])
    process = slot(tmp_path, 1.0)
    wait_for(lambda: counts(farm) == {"RUNNING": 1})
    time.sleep(1)
    os.kill(server, signal.SIGSTOP)
    try:
        assert drain(process) < BOUND_S
    finally:
        os.kill(server, signal.SIGCONT)
    assert Reaper(farm, 0).reap() == [1]
    assert farm.launchpad.launches.find_one({})["ended"]["kind"] == "drained"


def test_sigterm_between_checkout_and_job(farm, toy_task, envelope, tmp_path):
    """It used to be swallowed: the job ran on to its end."""
    script = (
        "import os, signal\nfrom fireworks.core import rocket\nfrom launchers.workers import slot\n"
        "def late(*_):\n    os.kill(os.getpid(), signal.SIGTERM)\n"
        "rocket.start_ping_launch = late\nslot.main()"
    )
    add(farm, [envelope(toy_task(value=1, seconds=100))])
    began = time.monotonic()
    command = [sys.executable, "-c", script, "--run-root", str(tmp_path), "--patience=1"]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0
    assert time.monotonic() - began < 40
    Reaper(farm, 0).reap()
    assert counts(farm) == {"READY": 1}
    assert farm.launchpad.launches.count_documents({"ended.own": True}) == 0


def test_sigterm_in_compiled_code(farm, toy_task, envelope, tmp_path):
    """Python's signal handlers wait until it returns."""
    add(farm, [envelope(toy_task(value=1, harm="deafness"))])
    process = slot(tmp_path, 1.0)
    wait_for(lambda: counts(farm) == {"RUNNING": 1})
    time.sleep(2)
    assert 5 < drain(process) < BOUND_S
    assert Reaper(farm, 0).reap() == [1]
    assert farm.launchpad.launches.find_one({})["ended"]["kind"] == "drained"


def test_a_signal_to_a_child_of_a_job_is_not_the_worker_s():
    script = (
        "import os, signal, time\nfrom launchers.workers.watch import watch\n"
        "signal.signal(signal.SIGTERM, lambda *_: None)\n"
        "with watch(lambda number: True, lambda: print('asked'), 0.2):\n"
        "    child = os.fork()\n    if not child:\n        time.sleep(1)\n        os._exit(0)\n"
        "    time.sleep(0.3)\n    os.kill(child, signal.SIGTERM)\n    os.waitpid(child, 0)\n    time.sleep(0.5)\n"
        "print('on')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "on\n"
