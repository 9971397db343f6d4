"""Who has what in hand: shown by host, and put back when a person says that the host is gone."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from fireworks import FWAction, FWorker

from campaign.cli.status_view import elsewhere, planned
from campaign.steering.status import State, status_of
from launchers.farm import server_time
from launchers.queue.endings import ATTEMPTS
from launchers.queue.launchpad import counts
from launchers.queue.processes import ProcessName
from launchers.workers.heartbeats import SlotBeat
from launchers.workers.rescue import Reaper
from launchers.workers.spool import Spool

pytestmark = pytest.mark.usefixtures("toy_folder")
MINE = ProcessName.mine()
DEAD = ProcessName(MINE.host, MINE.pid, MINE.started - 1000)


def check_out(farm, process: object, hours_ago: float = 0.0) -> int:
    launch = farm.launchpad.checkout_fw(FWorker(name=str(process)), "/nowhere")[1]
    past = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()
    history = [{"state": "RUNNING", "created_on": past, "updated_on": past}]
    farm.launchpad.launches.update_one({"launch_id": launch}, {"$set": {"state_history": history}})
    return launch


def test_status_says_who_where_and_since_when(latticefarm, farm) -> None:
    latticefarm("submit", "toy.yaml")
    check_out(farm, "node7:4242:1700000000", hours_ago=3)
    check_out(farm, "node8:17:1700000000", hours_ago=0.5)
    check_out(farm, DEAD)
    check_out(farm, MINE)
    said = " ".join(latticefarm("status", "toy").out.split())
    assert "running on node7: 1 job, since 20" in said
    assert "on node7, process 4242, since 20" in said
    assert "silent for 3.0 h; if that machine is gone, `latticefarm rescue node7` puts its work back" in said
    assert "running on node8: 1 job," in said
    assert "process 17," not in said  # it may well be alive
    assert f"running on {MINE.host}: 2 jobs," in said
    assert said.count("its process is gone; the next worker on this machine puts it back") == 1
    running = json.loads(latticefarm("status", "toy", "--json").out)["toy"]["running"]
    assert {(one["host"], one["process"], one["answers"]) for one in running} == {
        ("node7", 4242, False),
        ("node8", 17, None),
        (MINE.host, MINE.pid, False),
        (MINE.host, MINE.pid, True),
    }


def test_a_silent_host_needs_nobody(latticefarm, farm, monkeypatch) -> None:
    """Of slots that have a heartbeat it is known within minutes, whatever this host's clock says."""
    monkeypatch.setenv("SLURM_JOB_ID", "4242")
    latticefarm("submit", "toy.yaml")
    for minutes, answers in ((0.1, True), (1.2, None), (3, False)):
        name = ProcessName(f"node{10 * minutes:.0f}", 17, 1700000000)
        SlotBeat(farm, name).begins(1, check_out(farm, name))
        beat = server_time(farm) - timedelta(minutes=minutes)
        farm.heartbeats.update_one({"_id": str(name)}, {"$set": {"beat": beat}})
        running = json.loads(latticefarm("status", "toy", "--json").out)["toy"]["running"]
        (told,) = (one for one in running if one["host"] == name.host)
        assert (told["answers"], told["beats"], told["allocation"]) == (answers, True, "slurm:4242")
    said = " ".join(latticefarm("status", "toy").out.split())
    assert said.count("any worker of this database puts its work back") == 1
    assert "on node30, process 17" in said


def test_a_run_says_what_it_waits_for(farm, latticefarm) -> None:
    latticefarm("submit", "toy.yaml")
    found = status_of(farm, planned(farm, "toy"))
    assert elsewhere(farm, found) == ""
    check_out(farm, MINE)
    check_out(farm, "node8:17:1700000000")
    check_out(farm, "node7:4242:1700000000", hours_ago=3)
    said = elsewhere(farm, status_of(farm, planned(farm, "toy")))
    assert said.startswith("1 job on node7, silent for 3.0 h; if that machine is gone, `latticefarm rescue node7`")
    assert said.endswith("; 1 job on node8")


def test_rescue_of_a_host_that_is_gone(latticefarm, farm) -> None:
    latticefarm("submit", "toy.yaml")
    assert "no work is in hand anywhere" in latticefarm("rescue", "node7").complaint
    assert latticefarm("rescue").out.splitlines()[0] == "no work is in hand anywhere"
    for process in ("node7:4242:1700000000", "node7:4243:1700000000", "node8:17:1700000000"):
        check_out(farm, process)
    assert "node7: 2 jobs in hand" in latticefarm("rescue").out
    assert "work is in hand on node7, node8" in latticefarm("rescue", "nod7").complaint
    assert "node7: 2 of 2 jobs back in the queue" in latticefarm("rescue", "node7").out
    assert (counts(farm)["RUNNING"], counts(farm)["READY"]) == (1, 7)


def test_work_to_rescue_has_not_failed(latticefarm, farm) -> None:
    """A full disk: until it is put back it is FIZZLED, and no failure; in the end it is one."""
    latticefarm("submit", "toy.yaml")
    told = {"_stacktrace": "...\nOSError: [Errno 28] No space left on device", "_details": None}
    action = FWAction(stored_data={"_exception": told}, exit=True)
    fw_id = farm.launchpad.fireworks.find_one({"state": "READY"}, sort=[("fw_id", 1)])["fw_id"]
    for attempt in range(1, ATTEMPTS + 1):
        farm.launchpad.complete_launch(
            farm.launchpad.checkout_fw(FWorker(name=str(MINE)), "/nowhere", fw_id)[1], action, "FIZZLED"
        )
        found = status_of(farm, planned(farm, "toy"))
        assert (len(found.of(State.FAILED)), len(found.of(State.QUEUED))) == (0, 8)
        assert len(Reaper(farm, 0).reap()) == (attempt < ATTEMPTS)
    found = status_of(farm, planned(farm, "toy"))
    assert len(found.of(State.FAILED)) == 1
    (failure,) = json.loads(latticefarm("status", "toy", "--json").out)["toy"]["failures"]
    assert failure["kind"] == "gave-up"
    assert len(failure["attempts"]) == ATTEMPTS
    assert "given up after 3 attempts" in " ".join(latticefarm("results", "toy", "failures").out.split())
    assert "toy: 1 jobs back in the queue" in latticefarm("retry", "toy").out
    assert counts(farm)["READY"] == 8


NOBODY = "no worker is heard of, and 8 jobs ready: `latticefarm work` on this machine, or `latticefarm launch` on a cluster"


def test_status_says_that_nobody_works(latticefarm, farm) -> None:
    def said() -> bool:
        return NOBODY in " ".join(latticefarm("status").out.split())

    assert "no worker" not in latticefarm("status").out  # nothing is ready
    latticefarm("submit", "toy.yaml")
    assert said()
    slot = SlotBeat(farm, ProcessName("node7", 17, 1700000000))
    slot.appear()
    assert not said()
    farm.heartbeats.update_many({}, {"$set": {"beat": server_time(farm) - timedelta(seconds=60)}})
    assert said()
    slot.leave()
    assert said()


@pytest.mark.parametrize(
    ("process", "hours_ago", "works"),
    [(MINE, 0, True), (DEAD, 0, False), ("node8:17:1700000000", 0.5, True), ("node8:17:1700000000", 3, False), ("an rlaunch", 0.5, True)],
)
def test_who_has_no_heartbeat_may_be_at_work(latticefarm, farm, process, hours_ago, works) -> None:
    latticefarm("submit", "toy.yaml")
    check_out(farm, process, hours_ago=hours_ago)
    assert ("no worker is heard of, and 7 jobs ready" in latticefarm("status").out) is not works


def test_what_its_slot_left_silently_is_no_sign_of_work(latticefarm, farm) -> None:
    latticefarm("submit", "toy.yaml")
    name = ProcessName("node7", 17, 1700000000)
    SlotBeat(farm, name).begins(1, check_out(farm, name))
    assert "no worker" not in latticefarm("status").out
    farm.heartbeats.update_many({}, {"$set": {"beat": server_time(farm) - timedelta(seconds=60)}})
    assert "no worker is heard of, and 7 jobs ready" in latticefarm("status").out


def test_finished_work_that_is_damaged_is_named(latticefarm, farm) -> None:
    """By `status`, and by `doctor`, which says no."""
    latticefarm("submit", "toy.yaml")
    spool = Spool.of(farm.identity)
    path = spool.keep({"records": []})
    assert path is not None
    assert str(spool.directory) not in _unbroken(latticefarm("status").out + latticefarm("doctor").out)  # other tests left theirs
    path.write_bytes(path.read_bytes()[:-1])
    assert list(spool.contents()) == []
    (aside,) = spool.directory.iterdir()
    os.utime(aside, (1700000000, 1700000000))
    for command in ("status", "doctor"):
        said = " ".join(latticefarm(command).out.split())
        assert "what it held is computed again; look at that disk, and then remove the file" in said
        assert f"{aside}, written 2023-11-14 22:13:20 UTC" in said.replace(" is damaged", "")
    assert latticefarm("doctor").code == 1
    aside.unlink()
    assert str(spool.directory) not in _unbroken(latticefarm("status").out + latticefarm("doctor").out)


def _unbroken(text: str) -> str:
    """Without the breaks of lines, which may divide a path."""
    return "".join(text.split())
