"""One key, one workflow, one record: whoever submits, and whatever is killed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from jobflow.core.schemas import JobStoreDocument
from pymongo.errors import BulkWriteError

from launchers.farm import Farm
from launchers.queue.claims import add
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Worker

SOON = timedelta(0)


def workflows(farm: Farm) -> list[str]:
    return sorted(one["metadata"]["key"] for one in farm.launchpad.workflows.find({}, {"metadata": 1}))


def test_adding_twice_adds_once(farm, toy_task, envelope):
    work = [envelope(toy_task(value=number)) for number in range(5)]
    assert sorted(add(farm, work)) == sorted(one.key for one in work)
    assert add(farm, work) == []
    assert workflows(farm) == sorted(one.key for one in work)


def test_the_same_key_twice_in_one_call_is_one_job(farm, toy_task, envelope):
    one = envelope(toy_task(value=1))
    assert add(farm, [one, one]) == [one.key]
    assert farm.launchpad.fireworks.count_documents({}) == 1


def test_many_at_once_add_once(farm, toy_task, envelope):
    work = [envelope(toy_task(value=number)) for number in range(20)]
    farms = [replace(farm, token=f"process {number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda one: add(one, work), farms))
    assert sorted(key for keys in added for key in keys) == sorted(one.key for one in work)
    assert workflows(farm) == sorted(one.key for one in work)
    assert farm.launchpad.fireworks.count_documents({}) == len(work)


def test_what_is_delivered_is_not_asked_for_again(farm, toy_task, envelope):
    one = envelope(toy_task(value=1))
    farm.store_records({one.uuid: {"key": one.key, "value": 1}}, "toy")
    assert add(farm, [one]) == []
    assert workflows(farm) == []


def test_a_fresh_claim_of_another_is_respected(farm, toy_task, envelope):
    one = envelope(toy_task(value=1))
    farm.work.insert_one({"_id": one.key, "token": "another", "claimed_at": datetime.now(UTC)})
    assert add(farm, [one]) == []


def test_a_stale_claim_is_taken_over(farm, toy_task, envelope):
    one = envelope(toy_task(value=1))
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    farm.work.insert_one({"_id": one.key, "token": "killed", "claimed_at": long_ago})
    assert add(farm, [one]) == [one.key]
    assert farm.work.find_one({"_id": one.key})["token"] == farm.token


@pytest.mark.parametrize("lost", ["fireworks", "one of two fireworks"])
def test_a_half_added_workflow_is_repaired(farm, toy_task, envelope, lost):
    one = envelope(toy_task(value=1), then="flows.toys:toy")
    killed = replace(farm, token="killed")
    add(killed, [one])
    ids = [firework["fw_id"] for firework in farm.launchpad.fireworks.find({}, {"fw_id": 1})]
    farm.launchpad.fireworks.delete_many({"fw_id": {"$in": ids if lost == "fireworks" else ids[:1]}})
    assert add(farm, [one], grace=SOON) == [one.key]
    assert workflows(farm) == [one.key]
    assert farm.launchpad.fireworks.count_documents({}) == 2


def test_the_database_refuses_a_second_workflow_of_a_key(farm, toy_task, envelope):
    one = envelope(toy_task(value=1))
    farm.launchpad.bulk_add_wfs([one.workflow()])
    with pytest.raises(BulkWriteError):
        farm.launchpad.bulk_add_wfs([one.workflow()])


def test_no_store_and_no_password_travels_with_a_job(farm, toy_task, envelope):
    add(farm, [envelope(toy_task(value=1))])
    spec = farm.launchpad.fireworks.find_one({})["spec"]
    assert spec["_tasks"][0]["store"] is None
    assert "mongodb" not in repr(spec)


def test_a_farm_does_not_show_its_uri(farm):
    assert "mongodb" not in repr(farm)


def test_a_job_that_ran_twice_leaves_one_record(farm, toy_task, envelope, tmp_path):
    one = envelope(toy_task(value=1))
    add(farm, [one])
    settings = WorkerSettings(tmp_path / "runs", until_empty=True)
    Worker(farm, settings).run()
    before = farm.outputs.find_one({"uuid": one.uuid})
    farm.launchpad.rerun_fw(farm.launchpad.get_fw_ids()[0])
    Worker(farm, settings).run()
    assert farm.outputs.count_documents({"uuid": one.uuid}) == 1
    assert farm.outputs.find_one({"uuid": one.uuid})["output"] == before["output"]


def test_records_are_stored_as_jobflow_stores_them_and_once(farm: Farm) -> None:
    output = {"key": "k", "energy_eV": -1.5, "forces_eV_A": [[0.1, -3e-300, 0], [1e22, 0.0, 1.0]], "none": None, "in": {"it": [{}, "x"]}}
    farm.store_records({"ours": output}, "label")
    theirs = JobStoreDocument(uuid="jobflow's", index=1, output=output, completed_at="now", metadata={}, hosts=[], name="label")
    farm.store.update([theirs.model_dump()], key=["uuid", "index"])
    own = {"_id": 0, "uuid": 0, "completed_at": 0}
    one, other = (farm.outputs.find_one({"uuid": uuid}, own) for uuid in ("ours", "jobflow's"))
    assert one == other
    farm.put_new(farm.outputs, [{"uuid": uuid, "index": 1, "output": {}} for uuid in ("ours", "new")])
    assert farm.records(["ours", "new"]) == {"ours": output, "new": {}}
