"""The job of MD: through jobflow, FireWorks' JSON and a job store; once only; its trajectory swept when it may be."""

from __future__ import annotations

import json

import numpy as np
import pytest
from dynamics_toys import dynamics, lih, task

from flows.checkpoints import directory_of, keys_with_checkpoints
from flows.failure import CalculationFailed
from flows.keys import job_uuid
from flows.records import Blob, Errors, TrainedModel, Vibrations


def model_of(name: str, **changes) -> TrainedModel:
    counts = {"train_count": 1, "valid_count": 0, "test_count": 0, "atoms": 1}
    asked = {"key": name, "system": "lih", "model": name, "seed": 861, "size": "full"}
    asked |= {"blob": Blob.of(name.encode()), "errors": {"train": Errors(count=1, energy_meV_atom=1.0)}}
    return TrainedModel(**(counts | asked | changes))


@pytest.fixture
def potentials(monkeypatch):
    """Each model is the springs, so that the sum of two has twice their force constants."""
    from flows.training import potentials

    asked = []

    def springs(record, dtype="float64", device="cpu"):
        asked.append((record.blob.content().decode(), dtype, device))
        return potentials.Sum([potentials.Foreign(lih().calc)])

    monkeypatch.setattr(potentials, "potential", springs)
    monkeypatch.setattr("flows.training.architecture.best_device", lambda: "cpu")
    return asked


def run(store, asked, models) -> Vibrations:
    """What a rocket gets: JSON of a Firework, read again; and then it runs."""
    from fireworks import Firework
    from jobflow import Job, OutputReference
    from jobflow.managers.fireworks import job_to_firework

    from flows.dynamics.jobs import vibrations

    for model in models:
        made = Job(lambda model=model: model, blobs="blob")
        made.set_uuid(job_uuid(model.key))
        made.run(store=store)
    job = vibrations(asked, [OutputReference(job_uuid(model.key)) for model in models])
    job.set_uuid(job_uuid(asked.key))
    firework = Firework.from_dict(json.loads(json.dumps(job_to_firework(job).to_dict())))
    firework.tasks[0].run_task(firework.spec)
    return Vibrations.model_validate(store.query_one({"uuid": job_uuid(asked.key)}, load=True)["output"])


def test_the_job_sums_models_delivers_once_and_sweeps_what_is_delivered(store, potentials):
    models = [model_of("pbe_ef"), model_of("hf-pbe", learned=False, verdict="no better than a line")]
    found = run(store, task(dynamics=dynamics(starts=2)), models)

    assert potentials == [("pbe_ef", "float64", "cpu"), ("hf-pbe", "float64", "cpu")]
    assert (found.key, found.model, found.seed, found.size, found.learned) == (
        "md",
        "delta_hf",
        861,
        "full",
        False,
    )
    assert found.verdict == "hf-pbe: no better than a line"
    assert found.device == "cpu"
    assert {"torch", "mace-torch"} <= found.versions.keys()
    assert Vibrations.model_validate(json.loads(found.model_dump_json())) == found
    assert found.bands.keys() == {"total", "Li", "H"}
    assert keys_with_checkpoints() == ["md"]
    assert sorted(path.name for path in directory_of("md").iterdir()) == ["start-0", "start-1"]

    assert run(store, task(dynamics=dynamics(starts=2)), models) == found
    assert len(potentials) == 2
    run(store, task(key="another"), models)
    assert keys_with_checkpoints() == ["another"]


def test_a_job_goes_on_where_it_was_killed(store, potentials, monkeypatch):
    undisturbed = run(store, task(key="calm"), [model_of("pbe_ef")])
    calls = []

    def killed(*_):
        calls.append(1)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("flows.dynamics.outcome.spectrum_of", killed)  # all steps done, no record yet
        with pytest.raises(KeyboardInterrupt):
            run(store, task(), [model_of("pbe_ef")])
    found = run(store, task(), [model_of("pbe_ef")])
    assert calls == [1]
    assert found.starts[0].resumed_from_steps == ()
    assert np.array_equal(found.total, undisturbed.total)
    assert len(potentials) == 3


def test_no_models_is_bad_input(store):
    with pytest.raises(CalculationFailed, match="at least one trained model"):
        run(store, task(), [])
