"""The jobs: through a job store, through FireWorks' JSON, and once only."""

from __future__ import annotations

import json

import pytest
from jobflow import JobStore, run_locally
from jobflow.managers.fireworks import flow_to_workflow
from maggma.stores import MemoryStore
from training_toys import task_of

from flows.failure import CalculationFailed
from flows.keys import job_uuid
from flows.records import SummedModel, TrainedModel
from flows.training.checkpoints import checkpoints_of, keys_with_checkpoints
from flows.training.jobs import add, train
from flows.training.outcome import summed_model
from flows.training.settings import SummingTask, TrainingTask


@pytest.fixture
def store(labels):
    store = JobStore(MemoryStore(), additional_stores={"blobs": MemoryStore()})
    store.connect()
    for key, label in labels.items():
        store.update(
            {"uuid": job_uuid(key), "index": 1, "output": label.model_dump(mode="json")}, key=["uuid"]
        )
    return store


@pytest.fixture
def summing() -> SummingTask:
    return SummingTask(
        key="toy-sum",
        system="toy",
        model="delta_hf",
        seed=1,
        size="full",
        base_key="toy-dft_ef-1",
        difference_key="toy-hf-dft-1",
        labels={
            "train": tuple(f"hf:{i}" for i in range(12)),
            "valid": (),
            "test": tuple(f"hf:{i}" for i in range(16, 20)),
        },
    )


def delivering(made, key):
    made.set_uuid(job_uuid(key))
    return made


def output_of(store, key):
    return store.query_one({"uuid": job_uuid(key)}, load=True)["output"]


def test_a_training_job_delivers_the_record_and_only_once(store, base_model, monkeypatch):
    task = task_of("dft_ef", "dft")
    run_locally(delivering(train(task), task.key), store=store, ensure_success=True, log=False)
    record = TrainedModel.model_validate(output_of(store, task.key))

    assert record.weights_sha256 == base_model.weights_sha256
    assert record.blob.content()
    # the blob lies in its own store
    assert "base64" not in str(store.docs_store.query_one({"uuid": job_uuid(task.key)})["output"]["blob"])

    monkeypatch.setattr("flows.training.jobs.trained_model", lambda *_: pytest.fail("trained again"))
    run_locally(delivering(train(task), task.key), store=store, ensure_success=True, log=False)


def test_checkpoints_stay_until_the_record_is_stored_and_go_with_the_next_start(store):
    first, second = task_of("dft_e", "dft", max_epochs=1), task_of("dft_e", "dft", max_epochs=1, seed=2)
    run_locally(delivering(train(first), first.key), store=store, ensure_success=True, log=False)
    assert keys_with_checkpoints() == [first.key]
    checkpoints_of("somebody-at-work").save(1, {"belongs_to": "them"})

    run_locally(delivering(train(second), second.key), store=store, ensure_success=True, log=False)
    assert keys_with_checkpoints() == sorted([second.key, "somebody-at-work"])


def test_labels_that_are_not_there_are_named(store):
    task = task_of("mp2_e", "mp2")
    with pytest.raises(RuntimeError):
        run_locally(delivering(train(task), task.key), store=store, ensure_success=True, log=False)


def test_the_sum_is_judged_from_stored_predictions(store, labels, base_model, difference_model, summing):
    made = delivering(add(summing, base_model, difference_model), summing.key)
    run_locally(made, store=store, ensure_success=True, log=False)
    record = SummedModel.model_validate(output_of(store, summing.key))

    squares = [
        (
            base_model.predictions_eV[f"structure:{i}"]
            + difference_model.predictions_eV[f"structure:{i}"]
            - labels[f"hf:{i}"].energy_eV
        )
        ** 2
        / 16
        for i in range(16, 20)
    ]
    assert set(record.errors) == {"train", "test"}
    assert record.errors["test"].energy_meV_atom == pytest.approx(1e3 * (sum(squares) / 4) ** 0.5)
    assert record.learned == (base_model.learned and difference_model.learned)
    assert "dft_ef: " in record.verdict
    assert "hf-dft: " in record.verdict


def test_a_sum_over_a_structure_without_prediction_is_refused(labels, base_model, difference_model, summing):
    partial = base_model.model_copy(update={"predictions_eV": {}})
    with pytest.raises(CalculationFailed, match="no prediction for structure structure:0"):
        summed_model(summing, (partial, difference_model), labels)


def test_tasks_survive_fireworks(summing):
    task = task_of("ccsd(t)-dft", "ccsd(t)", "dft")
    for made, expected in [(train(task), task), (add(summing, "base", "difference"), summing)]:
        workflow = flow_to_workflow(made, store=None)
        spec = json.loads(json.dumps(workflow.fws[0].to_dict()))["spec"]["_tasks"][0]

        from monty.json import MontyDecoder

        job = MontyDecoder().process_decoded(spec["job"])
        assert job.function_args[0] == expected
        assert isinstance(job.function_args[0], TrainingTask | SummingTask)
        assert job.function.__name__ in {"train", "add"}
