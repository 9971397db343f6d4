"""The job of phonons: through jobflow, FireWorks' JSON and a job store, and what its record says."""

import json
import sys

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from flows.failure import CalculationFailed
from flows.keys import job_uuid
from flows.phonons.harmonic import calculator_forces, load_phonopy
from flows.phonons.outcome import phonons_of
from flows.phonons.settings import PhononSettings, PhononTask
from flows.records import Blob, Errors, Phonons, Structure, TrainedModel

QUICK = PhononSettings(mesh=(6, 6, 6), points_per_segment=7)
CUBE = ((2, 0, 0), (0, 2, 0), (0, 0, 2))


def task_of(atoms, **changes) -> PhononTask:
    asked = {"key": "ph", "system": "al", "model": "delta_hf", "seed": 5192, "size": "full"}
    return PhononTask(
        **(asked | {"primitive": Structure.from_atoms(atoms), "supercell": CUBE, "settings": QUICK} | changes)
    )


def model_of(name: str, **changes) -> TrainedModel:
    counts = {"train_count": 1, "valid_count": 0, "test_count": 0, "atoms": 1}
    errors = {"train": Errors(count=1, energy_meV_atom=1.0)}
    asked = {
        "key": name,
        "system": "al",
        "model": name,
        "seed": 5192,
        "size": "full",
        "blob": Blob.of(name.encode()),
    }
    return TrainedModel(**(asked | counts | {"errors": errors} | changes))


@pytest.fixture
def potentials(monkeypatch):
    """Each model is EMT, so that the sum of two has twice its force constants."""
    from flows.training import mace, potentials

    asked = []

    def emt(record, dtype="float64", device="cpu"):
        asked.append((record.blob.content().decode(), dtype, device))
        return potentials.Sum([potentials.Foreign(EMT())])

    monkeypatch.setattr(potentials, "potential", emt)
    monkeypatch.setattr(mace, "best_device", lambda: "cpu")
    return asked


def put(store, record) -> None:
    """As if a job had delivered `record`."""
    from jobflow import Job

    made = Job(lambda: record, blobs="blob")
    made.set_uuid(job_uuid(record.key))
    made.run(store=store)


def through_fireworks(job):
    """What a rocket gets: JSON of a Firework, read again; and then it runs."""
    from fireworks import Firework
    from jobflow.managers.fireworks import job_to_firework

    written = json.dumps(job_to_firework(job).to_dict())
    firework = Firework.from_dict(json.loads(written))
    return firework.tasks[0].run_task(firework.spec)


def job_for(task: PhononTask, models: list[TrainedModel]):
    from jobflow import OutputReference

    from flows.phonons.jobs import phonons

    job = phonons(task, [OutputReference(job_uuid(model.key)) for model in models])
    job.set_uuid(job_uuid(task.key))
    return job


def test_the_job_reads_models_sums_them_and_delivers_a_record(store, potentials):
    atoms = bulk("Al", a=4.0)
    models = [model_of("pbe_ef"), model_of("hf-pbe", learned=False, verdict="no better than a line")]
    for model in models:
        put(store, model)
    through_fireworks(job_for(task_of(atoms), models))

    query = {"uuid": job_uuid("ph")}
    light, full = store.query_one(query, load=False), store.query_one(query, load=True)
    assert "base64" not in str(light["output"]["blob"])
    record = Phonons.model_validate(full["output"])
    assert potentials == [("pbe_ef", "float64", "cpu"), ("hf-pbe", "float64", "cpu")]
    assert (record.model, record.seed, record.size, record.learned) == ("delta_hf", 5192, "full", False)
    assert record.verdict == "hf-pbe: no better than a line"
    alone = phonons_of(task_of(atoms), calculator_forces(EMT()))
    for label in ("X", "L"):
        expected = np.sqrt(2) * np.array(alone.points_cm1[label])
        assert record.points_cm1[label] == pytest.approx(expected, rel=1e-9)
    loaded = load_phonopy(record.blob.content()).run_qpoints([record.bands.qpoints[0][-1]])
    assert loaded.frequencies[0] * 33.356409519815204 == pytest.approx(record.points_cm1["X"], abs=1e-6)


def test_a_delivered_record_is_not_computed_again(store, potentials):
    models = [model_of("pbe_ef")]
    put(store, models[0])
    through_fireworks(job_for(task_of(bulk("Al", a=4.0)), models))
    asked = len(potentials)
    through_fireworks(job_for(task_of(bulk("Al", a=4.0)), models))
    assert len(potentials) == asked


@pytest.mark.usefixtures("store")
def test_no_models_is_bad_input():
    with pytest.raises(CalculationFailed, match="at least one trained model"):
        through_fireworks(job_for(task_of(bulk("Al", a=4.0)), []))


def test_a_record_says_how_good_the_crystal_is():
    record = phonons_of(task_of(bulk("Al", a=4.0)), calculator_forces(EMT()))
    assert record.learned
    assert record.verdict == ""
    assert record.displacements == 1
    assert record.sum_rule_eV_A2 < 1e-8
    assert record.residual_force_eV_A == pytest.approx(0, abs=1e-10)
    assert record.imaginary == ()
    assert {"phonopy", "symfc", "spglib", "seekpath", "ase", "numpy", "python"} == record.versions.keys()
    assert record.wall_time_s > 0
    assert Phonons.model_validate(json.loads(record.model_dump_json())) == record


def test_an_unstable_crystal_keeps_its_worst_modes_and_their_number():
    def pushing(atoms):
        return -calculator_forces(EMT())(atoms)

    record = phonons_of(task_of(bulk("Al", a=4.0)), pushing)
    assert record.imaginary_count > len(record.imaginary) == 100
    assert record.imaginary[0].frequency_cm1 == min(mode.frequency_cm1 for mode in record.imaginary)
    worst = min(min(min(row) for row in segment) for segment in record.bands.frequencies_cm1)
    assert record.imaginary[0].frequency_cm1 <= worst


def test_a_cell_that_is_not_primitive_is_bad_input_before_any_force_is_computed():
    def never(atoms):
        raise AssertionError(f"asked for the forces of {len(atoms)} atoms")

    with pytest.raises(CalculationFailed) as caught:
        phonons_of(task_of(bulk("Al", a=4.0, cubic=True)), never)
    assert caught.value.failure.kind == "bad-input"
    assert "primitive" in caught.value.failure.message


def test_importing_the_science_does_not_import_phonopy():
    import subprocess

    code = "import flows.phonons.outcome, sys; print([m for m in ('phonopy', 'torch', 'seekpath') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
