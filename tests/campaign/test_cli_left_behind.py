"""What dead processes and dead machines left in the queue does not keep a command waiting."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fireworks import FWorker

from launchers.queue.launchpad import counts
from launchers.queue.processes import ProcessName

pytestmark = pytest.mark.usefixtures("toy_folder")
COMMAND = [sys.executable, "-c", "from campaign.cli import run_main; run_main()"]
MINE = ProcessName.mine()
DEAD = ProcessName(MINE.host, MINE.pid, MINE.started - 1000)


def check_out(farm, process: object, hours_ago: float) -> None:
    launch = farm.launchpad.checkout_fw(FWorker(name=str(process)), "/nowhere")[1]
    past = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()
    history = [{"state": "RUNNING", "created_on": past, "updated_on": past}]
    farm.launchpad.launches.update_one({"launch_id": launch}, {"$set": {"state_history": history}})


def lock(farm, word: object) -> None:
    farm.launchpad.workflows.update_many({}, {"$set": {"locked": word}})


@pytest.mark.parametrize("command", ["pause", "cancel"])
@pytest.mark.parametrize(("word", "at_most_s", "told"), [(f"a-word {DEAD}", 4.0, False), (True, 12.0, True)], ids=["named", "unnamed"])
def test_locks_of_a_dead_process_do_not_hold_up_a_command(latticefarm, farm, command, word, at_most_s, told) -> None:
    latticefarm("submit", "toy.yaml")
    lock(farm, word)
    began = time.monotonic()
    said = latticefarm(command, "toy")
    assert time.monotonic() - began < at_most_s
    assert "toy: 8 jobs" in said.out
    assert ("waiting for locks in the queue, 5 s at most" in said.out) is told
    assert farm.launchpad.workflows.count_documents({"locked": {"$exists": True}}) == 0
    left = counts(farm)
    assert (left.get("READY"), left.get("PAUSED")) == (None, 8 if command == "pause" else None)


def test_a_lock_of_the_living_is_left_to_its_holder() -> None:
    from launchers.queue.processes import is_left

    assert not is_left(f"a-word {MINE}")
    assert is_left(f"a-word {DEAD}")
    assert not is_left("a-word node7:42:1700000000")
    assert is_left("a-word node7:42:1700000000", gone="node7")
    assert not is_left(True, gone="node7")
    assert not is_left(f"a-word {MINE}", gone=MINE.host)


def test_a_worker_says_in_a_lock_who_it_is(latticefarm, farm) -> None:
    from launchers.queue.locks import patient_locks
    from launchers.queue.processes import is_left

    latticefarm("submit", "toy.yaml")
    with patient_locks(1.0):
        from fireworks.core import launchpad

        number = farm.launchpad.get_fw_ids()[0]
        with launchpad.WFLock(farm.launchpad, number):
            word = farm.launchpad.workflows.find_one({"nodes": number})["locked"]
    assert str(MINE) in word
    assert not is_left(word)


def test_rescue_of_a_host_that_died_with_a_lock(latticefarm, farm) -> None:
    """Once is enough: its locks go with it."""
    latticefarm("submit", "toy.yaml")
    check_out(farm, "node7:4242:1700000000", 3)
    lock(farm, "a-word node7:4242:1700000000")
    began = time.monotonic()
    assert "node7: 1 of 1 job back in the queue" in latticefarm("rescue", "node7").out
    assert time.monotonic() - began < 4
    assert counts(farm)["READY"] == 8


def test_a_worker_until_empty_ends_though_a_dead_machine_runs(latticefarm, farm, tmp_path) -> None:
    """And says what it has not waited for."""
    latticefarm("submit", "toy.yaml")
    for _ in range(7):
        check_out(farm, "node7:4242:1700000000", 3)
    check_out(farm, "node8:17:1700000000", 4)
    command = [*COMMAND, "work", "--until-empty", "--slots", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "not waited for: 7 jobs on node7, silent for 2.0 h or more; if that machine is gone, `latticefarm rescue node7`" in done.stdout
    assert "not waited for: 1 job on node8" in done.stdout
    assert counts(farm)["RUNNING"] == 8


@pytest.mark.parametrize(("hours_ago", "waits"), [(0.5, True), (3.0, False)])
def test_what_may_still_live_is_waited_for(latticefarm, farm, hours_ago, waits) -> None:
    from launchers.workers.settings import WorkerSettings
    from launchers.workers.worker import has_work

    everything = WorkerSettings(Path())
    latticefarm("submit", "toy.yaml")
    while farm.launchpad.run_exists():
        check_out(farm, "node7:4242:1700000000", 3)
    assert not has_work(farm, everything)
    farm.launchpad.rerun_fw(farm.launchpad.get_fw_ids()[0])
    assert has_work(farm, everything)
    check_out(farm, "node8:17:1700000000", hours_ago)
    assert has_work(farm, everything) is waits


def test_of_a_slot_with_a_heartbeat_fireworks_own_ping_says_nothing(latticefarm, farm) -> None:
    """It ends for ever when the database is away for half a minute; the slot goes on, or its work is put back."""
    from launchers.farm import server_time
    from launchers.workers.heartbeats import SlotBeat
    from launchers.workers.in_hand import unanswered
    from launchers.workers.rescue import Reaper
    from launchers.workers.settings import WorkerSettings
    from launchers.workers.worker import has_work

    everything, away = WorkerSettings(Path()), ProcessName("node7", 4242, 1700000000)
    latticefarm("submit", "toy.yaml")
    while farm.launchpad.run_exists():
        check_out(farm, away, 3)
    assert not has_work(farm, everything)
    assert unanswered(farm) == {"node7": 8}
    last = farm.launchpad.launches.find_one({}, sort=[("launch_id", -1)])
    SlotBeat(farm, away).begins(last["fw_id"], last["launch_id"])
    assert has_work(farm, everything)
    assert unanswered(farm) == {}
    farm.heartbeats.update_one({"_id": str(away)}, {"$set": {"beat": server_time(farm) - timedelta(seconds=130)}})
    assert has_work(farm, everything)  # it is put back, which a worker has to wait for
    reaper = Reaper(farm, 0)
    reaper.listener.watch_s = 0.0
    assert last["fw_id"] in reaper.reap_of_slots()
    assert has_work(farm, everything)
