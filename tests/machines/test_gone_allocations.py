"""Work of an allocation that is gone is put back as soon as its slot is not heard of: by what its own scheduler answers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fireworks import FWorker

from launchers.farm import Farm, server_time
from launchers.machines.owner import Owners, who
from launchers.queue.processes import ProcessName
from launchers.workers.gone import GoneAllocations
from launchers.workers.heartbeats import SlotBeat
from launchers.workers.rescue import Reaper

AWAY = ProcessName("node1", 101, 1)


@pytest.fixture
def busy(farm, slurm, add_ready, monkeypatch) -> None:  # noqa: ARG001 - a Slurm that is there
    """A slot of another host, in allocation 7 of this user, has a job in hand, and was last heard of a minute ago."""
    add_ready(farm, "a")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    _, launch = farm.launchpad.checkout_fw(FWorker(name=str(AWAY)), "/nowhere")
    SlotBeat(farm, AWAY).begins(1, launch)
    owner = who("slurm")
    told(farm, cluster=owner.cluster, user=owner.user)


def told(farm: Farm, seconds: float = 60, **facts: str) -> None:
    beat = server_time(farm) - timedelta(seconds=seconds)
    farm.heartbeats.update_many({}, {"$set": {**facts, "beat": beat}})


def reap(farm: Farm) -> list[int]:
    """As a node does that has just begun to look."""
    farm.leases.delete_many({})
    return Reaper(farm, 0, allocations_gone=GoneAllocations(farm)).reap_of_slots()


def jobs(slurm, *lines: str) -> None:
    (slurm.place / "jobs").write_text("".join(f"{line}|any name|None\n" for line in lines))


RUNNING, ENDED, WAITING = "7|RUNNING|N/A|N/A", "7|NODE_FAIL|N/A|N/A", "7|PENDING|N/A|N/A"


@pytest.mark.usefixtures("busy")
def test_one_that_runs_is_not_gone(farm, slurm):
    jobs(slurm, RUNNING)
    assert reap(farm) == []
    slurm.forget()
    assert reap(farm) == [1]
    (launch,) = farm.launchpad.launches.find()
    assert (launch["ended"]["kind"], launch["ended"]["own"]) == ("allocation-gone", False)


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("line", [ENDED, WAITING])
def test_one_that_ended_or_waits_again_has_no_processes_any_more(farm, slurm, line):
    jobs(slurm, "8|RUNNING|N/A|N/A", line)
    assert reap(farm) == [1]


@pytest.mark.usefixtures("busy")
def test_no_answer_says_nothing(farm, slurm, monkeypatch):
    slurm.set("silent")
    assert reap(farm) == []  # nobody says which cluster this is
    (slurm.place / "silent").unlink()
    program = slurm.place / "bin" / "squeue"
    whole = program.read_text()
    program.write_text("#!/bin/bash\necho 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1\n")
    assert reap(farm) == []
    program.write_text(whole)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("PATH", "/nowhere")
        assert reap(farm) == []
    assert reap(farm) == [1]


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("facts", [{"cluster": "other"}, {"user": "somebody"}, {"cluster": ""}, {"scheduler": "pbs"}, {"allocation": ""}])
def test_those_of_others_are_not_judged(farm, facts):
    mine = {name: farm.heartbeats.find_one()[name] for name in facts}
    told(farm, **facts)
    assert reap(farm) == []
    told(farm, **mine)
    assert reap(farm) == [1]


@pytest.mark.usefixtures("busy")
def test_a_cluster_without_a_name_could_be_any(farm, slurm):
    slurm.set("cluster", "")
    told(farm, cluster="")
    assert reap(farm) == []


def count_questions(slurm) -> int:
    log = slurm.place / "questions"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture
def counted(slurm) -> None:
    program = slurm.place / "bin" / "squeue"
    program.write_text(program.read_text() + "echo 1 >> questions\n")


@pytest.mark.usefixtures("busy", "counted")
def test_it_is_asked_by_one_of_all_nodes_and_not_again_for_a_while(farm, slurm):
    jobs(slurm, RUNNING)
    nodes = [Reaper(farm, 0, allocations_gone=GoneAllocations(farm)) for _ in range(3)]
    assert [one.reap_of_slots() for one in nodes for _ in range(2)] == [[]] * 6
    assert count_questions(slurm) == 1
    (lease,) = farm.leases.find({"_id": {"$regex": "^gone slurm fake "}})
    farm.leases.update_one({"_id": lease["_id"]}, {"$set": {"until": lease["until"] - timedelta(seconds=31)}})
    slurm.forget()
    assert [one.reap_of_slots() for one in nodes] == [[1], [], []]


@pytest.mark.usefixtures("busy", "counted")
@pytest.mark.parametrize("case", ["heard", "idle", "long silent"])
def test_it_is_asked_only_where_something_hangs_on_it(farm, slurm, case):
    if case == "heard":
        told(farm, 30)
    elif case == "idle":
        farm.heartbeats.update_many({}, {"$unset": {"launch_id": ""}})
    else:
        told(farm, 130)
    node = Reaper(farm, 0, allocations_gone=GoneAllocations(farm))
    node.listener.watch_s = 0.0
    assert node.reap_of_slots() == ([1] if case == "long silent" else [])
    assert count_questions(slurm) == 0


def test_who_this_is_is_asked_once_and_after_a_failure_not_at_once(slurm, monkeypatch):
    moment = [0.0]
    monkeypatch.setattr("launchers.machines.owner.time.monotonic", lambda: moment[0])
    owners = Owners()
    slurm.set("silent")
    assert owners.mine("slurm") is None
    (slurm.place / "silent").unlink()
    assert owners.mine("slurm") is None
    moment[0] = 301.0
    known = owners.mine("slurm")
    assert known == who("slurm")
    slurm.set("silent")
    assert owners.mine("slurm") is known
