"""Each way in which a kill can leave the queue, and how the reaper mends it."""

from __future__ import annotations

import time

import pytest
from fireworks import FWAction, FWorker

from launchers.queue.claims import add
from launchers.queue.endings import is_machine_trouble
from launchers.queue.launchpad import counts
from launchers.queue.processes import ProcessName
from launchers.workers.rescue import Reaper

MINE = ProcessName.mine()
DEAD = ProcessName(MINE.host, MINE.pid, MINE.started - 1000)
ELSEWHERE = ProcessName("another-host", 1, 1)


@pytest.fixture
def fw_id(farm, toy_task, envelope) -> int:
    add(farm, [envelope(toy_task(value=1), then="flows.toys:toy")])
    return min(farm.launchpad.get_fw_ids())


def check_out(farm, process: ProcessName) -> int:
    return farm.launchpad.checkout_fw(FWorker(name=str(process)), "/nowhere")[1]


def state(farm, fw_id: int) -> str:
    return farm.launchpad.fireworks.find_one({"fw_id": fw_id})["state"]


@pytest.mark.parametrize(("process", "rescued"), [(DEAD, True), (MINE, False), (ELSEWHERE, False)])
def test_running_without_a_process(farm, fw_id, process, rescued):
    check_out(farm, process)
    assert Reaper(farm, 0).reap() == ([fw_id] if rescued else [])
    assert state(farm, fw_id) == ("READY" if rescued else "RUNNING")


def test_reserved_without_a_launch(farm, fw_id):
    farm.launchpad._get_a_fw_to_run()
    assert state(farm, fw_id) == "RESERVED"
    assert Reaper(farm, 60).reap() == []
    assert Reaper(farm, 0).reap() == [fw_id]
    assert state(farm, fw_id) == "READY"


def test_reserved_by_a_queue_launcher_is_left_alone(farm, fw_id):
    farm.launchpad.reserve_fw(FWorker(), "/nowhere")
    assert Reaper(farm, 0).reap() == []
    assert state(farm, fw_id) == "RESERVED"


def test_locked_by_a_process_that_died_between_launch_and_workflow(farm, fw_id):
    launch = check_out(farm, DEAD)
    farm.launchpad.launches.update_one(
        {"launch_id": launch}, {"$set": {"state": "COMPLETED", "action": FWAction().to_dict()}}
    )
    farm.launchpad.workflows.update_one({"nodes": fw_id}, {"$set": {"locked": True}})
    reaper = Reaper(farm, 0)
    for _ in range(3):
        reaper.reap()
    assert state(farm, fw_id) == "COMPLETED"
    assert state(farm, fw_id + 1) == "READY"
    assert "locked" not in farm.launchpad.workflows.find_one({"nodes": fw_id})


def test_a_short_lock_is_respected(farm, fw_id):
    farm.launchpad.workflows.update_one({"nodes": fw_id}, {"$set": {"locked": True}})
    Reaper(farm, 60).reap()
    assert farm.launchpad.workflows.find_one({"nodes": fw_id})["locked"]


def test_what_is_locked_is_not_waited_for(farm, fw_id):
    check_out(farm, DEAD)
    farm.launchpad.workflows.update_one({"nodes": fw_id}, {"$set": {"locked": True}})
    reaper = Reaper(farm, 0.5)
    assert reaper.reap() == []
    time.sleep(0.6)
    assert reaper.reap() == [fw_id]


def fizzle(farm, exception: dict) -> None:
    launch = check_out(farm, MINE)
    farm.launchpad.complete_launch(launch, FWAction(stored_data={"_exception": exception}, exit=True), "FIZZLED")


TROUBLE = [
    {"_stacktrace": "...\nlaunchers.worker.Drained", "_details": {"machine_trouble": "drained"}},
    {"_stacktrace": "...\npymongo.errors.AutoReconnect: gone", "_details": None},
    {"_stacktrace": "...\nOSError: [Errno 28] No space left on device", "_details": None},
]
FAILURES = [
    {"_stacktrace": "...\nflows.failure.CalculationFailed: toy: no", "_details": {"failure": {"message": "no"}}},
    {"_stacktrace": "...\nValueError: what", "_details": None},
]


@pytest.mark.parametrize("exception", TROUBLE)
def test_trouble_of_the_machine_goes_back(farm, fw_id, exception):
    fizzle(farm, exception)
    assert Reaper(farm, 0).reap() == [fw_id]
    assert state(farm, fw_id) == "READY"


@pytest.mark.parametrize("exception", FAILURES)
def test_a_failure_stays(farm, fw_id, exception):
    fizzle(farm, exception)
    assert Reaper(farm, 0).reap() == []
    assert state(farm, fw_id) == "FIZZLED"


def test_a_refresh_that_broke_is_no_failure(farm, fw_id):
    check_out(farm, MINE)
    # what FireWorks does when the database goes while it refreshes a workflow
    farm.launchpad.fireworks.update_one({"fw_id": fw_id}, {"$set": {"state": "FIZZLED"}})
    assert Reaper(farm, 0).reap() == [fw_id]
    assert counts(farm)["READY"] == 1


def test_a_launch_without_a_word_is_an_accident():
    assert is_machine_trouble({"action": None})
    assert not is_machine_trouble({"action": {"stored_data": {"_exception": FAILURES[1]}}})
