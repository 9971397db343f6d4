"""Workers for one asker: jobs of others stay where they are; what two ask for is taken for either."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from launchers.queue.askers import ASKERS, keep_askers
from launchers.queue.claims import add
from launchers.queue.launchpad import counts, queued
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Worker, has_work


@pytest.fixture
def keys(farm, toy_task, envelope) -> list[str]:
    """Three jobs, in their order; the second is followed up."""
    envelopes = [envelope(toy_task(value=number), then="launchers.queue.launchpad:queued" if number == 1 else None) for number in range(3)]
    add(farm, envelopes)
    return [one.key for one in envelopes]


def ask(farm, asker: str, keys: list[str]) -> None:
    keep_askers(farm, asker, queued(farm, keys).values(), keys)


def askers(farm) -> dict[int, list[str]]:
    found = farm.launchpad.fireworks.find({}, {"fw_id": 1, f"spec.{ASKERS}": 1})
    return {one["fw_id"]: sorted(one["spec"].get(ASKERS, [])) for one in found}


def work(farm, tmp_path: Path, asker: str | None) -> int:
    settings = WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=0.5, asker=asker)
    return Worker(farm, settings).run()


def test_it_takes_what_its_asker_asks_for_and_ends(farm, keys, tmp_path):
    ask(farm, "one", keys[:2])
    ask(farm, "two", keys[1:])
    began = time.monotonic()
    assert work(farm, tmp_path, "one") == 3  # with the follow-up
    assert time.monotonic() - began < 30
    assert counts(farm) == {"COMPLETED": 3, "READY": 1}
    everything = WorkerSettings(tmp_path)
    assert not has_work(farm, everything, "one")
    assert has_work(farm, everything, "two")
    assert work(farm, tmp_path, "nobody") == 0
    assert work(farm, tmp_path, None) == 1


def test_what_is_asked_for_no_longer_is_taken_no_longer(farm, keys):
    ask(farm, "one", keys)
    ask(farm, "two", keys[:1])
    assert askers(farm) == {1: ["one", "two"], 2: ["one"], 3: ["one"], 4: ["one"]}
    ask(farm, "one", keys[2:])
    assert askers(farm) == {1: ["two"], 2: [], 3: [], 4: ["one"]}
    ask(farm, "one", keys[2:])
    assert askers(farm) == {1: ["two"], 2: [], 3: [], 4: ["one"]}


def test_the_follow_up_of_delivered_work_is_kept(farm, keys):
    ask(farm, "one", keys)
    farm.launchpad.fireworks.update_one({"fw_id": 2}, {"$set": {"state": "COMPLETED"}})
    keep_askers(farm, "one", queued(farm, [keys[0]]).values(), keys[:2])  # delivered: not among the queued
    assert askers(farm) == {1: ["one"], 2: ["one"], 3: ["one"], 4: []}


def test_a_job_that_was_put_back_is_still_asked_for(farm, keys, tmp_path):
    from fireworks import FWorker

    ask(farm, "one", keys[:1])
    farm.launchpad.checkout_fw(FWorker(), "/nowhere", 1)
    farm.launchpad.rerun_fw(1)
    assert work(farm, tmp_path, "one") == 1
