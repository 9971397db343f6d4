"""A slot takes only what it can run; what ended for want of memory or time needs more of it; calculations as asked."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fireworks import FWAction, FWorker

from launchers.machines.capacities import keep_classes
from launchers.machines.site import Site
from launchers.queue.claims import add
from launchers.queue.endings import ATTEMPTS
from launchers.queue.launchpad import counts, queued, to_rescue
from launchers.queue.processes import ProcessName
from launchers.queue.resources import Needs, Offer
from launchers.queue.walltime import Expectation
from launchers.workers.heartbeats import SlotBeat
from launchers.workers.rescue import Reaper
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Drained, Worker

MINE = ProcessName.mine()
NO_MEMORY = "MemoryError"
ASKED = [Needs(), Needs(cores=4), Needs(memory_GB=16.0), Needs(allocation="mpi"), Needs(cores=4, memory_GB=16.0), Needs(cores=64, allocation="mpi")]
OFFERS = [Offer(), Offer(2, 4.0), Offer(4, 16.0), Offer(4, 4.0), Offer(4, 16.0, "cpu"), Offer(2, 4.0, "mpi"), Offer(2, 4.0, "mpi", own=True)]
TAKEN = [{0, 1, 2, 4}, {0}, {0, 1, 2, 4}, {0, 1}, {0, 1, 2, 4}, {0, 3, 5}, {3, 5}]  # by hand


@pytest.fixture
def settings(tmp_path) -> WorkerSettings:
    return WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=0.5)


@pytest.fixture
def needing(toy_task, envelope):
    """Envelopes of toys that need something."""

    def made(number: int, needs: Needs | None = None, **toy):
        return replace(envelope(toy_task(value=number, **toy)), needs=needs)

    return made


def end(farm, line: str = NO_MEMORY, details: dict | None = None) -> int:
    """This worker takes the job, and it ends so."""
    farm.launchpad.fireworks.update_many({}, {"$unset": {"spec._rests_until": ""}})
    launch = farm.launchpad.checkout_fw(FWorker(name=str(MINE)), "/nowhere")[1]
    told = {"_exception": {"_stacktrace": f"...\n{line}", "_details": details}}
    farm.launchpad.complete_launch(launch, FWAction(stored_data=told, exit=True), "FIZZLED")
    return launch


def needed(farm) -> dict:
    return farm.launchpad.fireworks.find_one({})["spec"].get("_needs", {})


def appear(farm, memory_GB: float, deadline: float | None = None) -> None:
    SlotBeat(farm, MINE, deadline, Offer(2, memory_GB)).appear()


@pytest.mark.parametrize(("offer", "taken"), list(zip(OFFERS, TAKEN, strict=True)))
def test_the_query_takes_what_fits(farm, needing, offer, taken):
    add(farm, [needing(number, needs) for number, needs in enumerate(ASKED)])
    ids = {one["fw_id"] for one in farm.launchpad.fireworks.find(offer.query(), {"fw_id": 1})}
    assert {farm.launchpad.workflows.find_one({"nodes": one})["metadata"]["seed"] for one in ids} == taken
    assert {number for number, needs in enumerate(ASKED) if offer.fits(needs)} == taken


def test_a_worker_leaves_what_its_slot_cannot_run_and_ends(farm, needing, settings):
    add(farm, [needing(1), needing(2, Needs(memory_GB=16.0)), needing(3, Needs(cores=2))])
    assert Worker(farm, replace(settings, offer=Offer(2, 4.0))).run() == 2
    assert counts(farm) == {"COMPLETED": 2, "READY": 1}
    assert Worker(farm, replace(settings, offer=Offer(2, 16.0))).run() == 1


def test_a_worker_process_is_told_its_slot(tmp_path):
    for offer in OFFERS:
        given = WorkerSettings(tmp_path, categories=("label",), offer=offer)
        assert WorkerSettings.of_arguments(given.arguments()) == given


def test_work_of_before_says_nothing(farm, needing):
    add(farm, [needing(1), needing(2, Needs())])
    assert all("_needs" not in one["spec"] for one in farm.launchpad.fireworks.find())


def test_memory_doubles_up_to_the_largest_slot(farm, needing):
    keep_classes(farm, "here", Site(scheduler="slurm", classes={"large": {"walltime": "1h", "cores": 2, "slots": 1, "memory": "10G"}}))
    add(farm, [needing(1, Needs(cores=1))])
    appear(farm, 4.0)
    end(farm)
    Reaper(farm, 0).reap()
    assert needed(farm) == {"cores": 1, "memory_GB": 8.0}  # twice what the slot had
    end(farm)
    Reaper(farm, 0).reap()
    assert needed(farm) == {"cores": 1, "memory_GB": 10 * 1024**3 / 1e9}
    kept = [one["ended"]["words"] for one in farm.launchpad.launches.find().sort("launch_id", 1)]
    assert ["needs 8 GB" in kept[0], "needs 10.74 GB" in kept[1]] == [True, True]
    end(farm)
    assert Reaper(farm, 0).reap() == []
    assert counts(farm) == {"FIZZLED": 1}


def test_memory_stays_where_nothing_larger_is_known(farm, needing):
    add(farm, [needing(1)])
    appear(farm, 4.0)
    for number in range(1, ATTEMPTS + 1):
        end(farm)
        assert len(Reaper(farm, 0).reap()) == (number < ATTEMPTS)
    assert needed(farm) == {}


@pytest.mark.parametrize(("walltime", "longer"), [("1h", (7190, 7210)), ("10h", (7190, 7210)), ("90m", (0.9 * 5340, 0.9 * 5340))])
def test_what_ran_out_of_time_needs_longer(farm, needing, walltime, longer):
    """It ran for an hour: nearly all of what there is, a tenth of it, two thirds of it."""
    keep_classes(farm, "here", Site(scheduler="slurm", classes={"cpu": {"walltime": walltime, "cores": 1}}))
    add(farm, [replace(needing(1), expects=Expectation("toys", 1.0))])
    launch = end(farm, "Drained", Drained(late=True).to_dict())
    history = farm.launchpad.launches.find_one({"launch_id": launch})["state_history"]
    for one in history:
        if one["state"] == "RUNNING":
            one["created_on"] = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    farm.launchpad.launches.update_one({"launch_id": launch}, {"$set": {"state_history": history}})
    assert len(Reaper(farm, 0).reap()) == 1
    assert longer[0] <= needed(farm)["longer_than_s"] <= longer[1]
    found = farm.launchpad.fireworks
    assert found.count_documents(Offer(1, 1.0).query(needed(farm)["longer_than_s"] + 1)) == 1
    assert found.count_documents(Offer(1, 1.0).query(needed(farm)["longer_than_s"] - 1)) == 0


@pytest.mark.parametrize(("late", "resumes"), [(False, False), (True, True)])
def test_a_drain_at_any_time_or_of_what_goes_on_changes_nothing(farm, needing, late, resumes):
    add(farm, [replace(needing(1), expects=Expectation("toys", 1.0, resumes))])
    for _ in range(2 * ATTEMPTS):
        end(farm, "Drained", Drained(late=late).to_dict())
        assert len(Reaper(farm, 0).reap()) == 1
    assert needed(farm) == {}


def test_a_worker_at_its_deadline_says_so(farm, needing, settings):
    add(farm, [needing(1, seconds=30.0)])
    Worker(farm, replace(settings, deadline=time.time() + 12)).run()
    (launch,) = farm.launchpad.launches.find()
    assert launch["ended"]["kind"] == "out-of-time"
    assert counts(farm) == {"READY": 1}
    assert 0 < needed(farm)["longer_than_s"] < 60


@pytest.mark.parametrize("retry", [0, 2])
def test_a_calculation_is_tried_again_as_often_as_asked(farm, needing, settings, retry):
    work = replace(needing(1, fail=True), retry=retry)
    add(farm, [work])
    assert Worker(farm, settings).run() == 1 + retry
    assert counts(farm) == {"FIZZLED": 1}
    assert to_rescue(farm, queued(farm, [work.key]).values()) == set()
    ended = [one.get("ended", {}).get("kind") for one in farm.launchpad.launches.find().sort("launch_id", 1)]
    assert ended == ["calculation"] * retry + [None]


def test_what_will_be_tried_again_has_not_failed_yet(farm, needing):
    work = replace(needing(1), retry=1)
    add(farm, [work])
    for rescued in (True, False):
        end(farm, "ValueError: no convergence")
        assert to_rescue(farm, queued(farm, [work.key]).values()) == ({work.key} if rescued else set())
        assert len(Reaper(farm, 0).reap()) == rescued
