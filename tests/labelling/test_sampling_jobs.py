"""The job of a sweep: by an engine, whose labels are kept on the way, or by trained models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from ase import Atoms
from pydantic import ValidationError
from sampling_toys import STRUCTURE, Tied, settings

from flows.failure import CalculationFailed
from flows.keys import job_uuid
from flows.labelling.computed import computed_label_key
from flows.labelling.engines.ase.settings import ASESettings
from flows.labelling.engines.protocol import Computed
from flows.labelling.engines.pyscf.settings import PySCFSettings
from flows.labelling.sampling.settings import SweepTask
from flows.records import Blob, Errors, Failure, Label, Sweep, TrainedModel

ENGINE = ASESettings(calculator="sampling_toys:Tied")


class Glass:
    """Stands for a `warm` engine, in this process: counts what it computes, and fails where it is told."""

    calls: ClassVar[list[Mapping[str, bool]]] = []
    fails_at: ClassVar[int] = 0

    def __init__(self, engine: ASESettings) -> None:
        assert engine == ENGINE

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def compute(self, atoms: Atoms, wanted: Mapping[str, bool]) -> dict[str, Computed | Failure]:
        self.calls.append(wanted)
        if len(self.calls) == self.fails_at:
            return {
                "dft": Failure(stage="label", kind="unconverged", message="100 cycles", advice="mix less")
            }
        atoms.calc = Tied()
        energy = atoms.get_potential_energy()
        return {"dft": Computed(energy, atoms.get_forces(), diagnostics={"call": len(self.calls)})}


@pytest.fixture
def glass(monkeypatch) -> type[Glass]:
    monkeypatch.setattr("flows.labelling.sampling.jobs.warm", Glass)
    monkeypatch.setattr(Glass, "calls", [])
    monkeypatch.setattr(Glass, "fails_at", 0)
    return Glass


def task(**changes: Any) -> SweepTask:
    asked = {"key": "sweep", "system": "diamond", "structure": STRUCTURE, "settings": settings()}
    return SweepTask(**(asked | changes))


def by_engine(**changes: Any) -> SweepTask:
    return task(**({"engine": ENGINE, "level": "dft"} | changes))


def run(store, asked: SweepTask, models: tuple[TrainedModel, ...] = ()) -> Sweep:
    """What a rocket gets: JSON of a Firework, read again; and then it runs."""
    from fireworks import Firework
    from jobflow import Job, OutputReference
    from jobflow.managers.fireworks import job_to_firework

    from flows.labelling.sampling.jobs import sweep

    for model in models:
        made = Job(lambda model=model: model, blobs="blob")
        made.set_uuid(job_uuid(model.key))
        made.run(store=store)
    job = sweep(asked, [OutputReference(job_uuid(model.key)) for model in models])
    job.set_uuid(job_uuid(asked.key))
    firework = Firework.from_dict(json.loads(json.dumps(job_to_firework(job).to_dict())))
    firework.tasks[0].run_task(firework.spec)
    return Sweep.model_validate(store.query_one({"uuid": job_uuid(asked.key)}, load=True)["output"])


def labels(store, found: Sweep) -> list[Label]:
    """Those of its frames, in their order."""
    keys = [computed_label_key(frame.structure.key(), "dft", ENGINE, True) for frame in found.frames]
    documents = {document["uuid"]: document["output"] for document in store.query({"name": "label"})}
    assert len(documents) == len(keys)
    return [Label.model_validate(documents[job_uuid(key)]) for key in keys]


def test_an_engine_leaves_the_labels_of_the_frames_that_are_kept(store, glass):
    found = run(store, by_engine())

    assert found.potential == "ase dft"
    assert found.versions["ase"]
    assert len(found.frames) == settings().frames
    assert glass.calls == [{"dft": True}] * 41
    for frame, label in zip(found.frames, labels(store, found), strict=True):
        assert label.structure == frame.structure
        assert label.energy_eV == pytest.approx(
            Tied().get_potential_energy(frame.structure.atoms()), abs=1e-12
        )
        assert label.forces_eV_A == tuple(map(tuple, Tied().get_forces(frame.structure.atoms()).tolist()))
        assert label.diagnostics == {"call": frame.step + 1}

    assert run(store, by_engine()) == found
    assert len(glass.calls) == 41


def test_an_engine_that_fails_costs_one_step(store, glass):
    glass.fails_at = 30
    with pytest.raises(CalculationFailed, match="step 29 of the sweep, at 200 K: 100 cycles") as caught:
        run(store, by_engine())
    assert (caught.value.failure.kind, caught.value.failure.level) == ("unconverged", "dft")
    assert caught.value.failure.label_key is None  # a step is no label that anybody asked for
    found = run(store, by_engine())
    assert found.resumed_from_steps == (26,)
    kept = labels(store, found)

    undisturbed = run(store, by_engine(key="another"))
    assert undisturbed.frames == found.frames
    assert [label.key for label in labels(store, undisturbed)] == [label.key for label in kept]


def test_the_real_glass(store):
    """A child process; nothing of it is known here but what it gives back."""
    found = run(store, by_engine(settings=settings(temperatures_K=(100.0,), steps=6)))
    assert [label.structure for label in labels(store, found)] == [frame.structure for frame in found.frames]
    assert len(found.frames) == 1


def test_models_are_summed_and_leave_no_labels(store, monkeypatch):
    from flows.training import potentials

    asked = []

    def springs(record, dtype="float64", device="cpu"):
        asked.append((record.key, dtype, device))
        return potentials.Sum([potentials.Foreign(Tied(4.5))])

    monkeypatch.setattr(potentials, "potential", springs)
    monkeypatch.setattr("flows.training.architecture.best_device", lambda: "cpu")
    counts = {"train_count": 1, "valid_count": 0, "test_count": 0, "atoms": 1}
    models = tuple(
        TrainedModel(
            key=name,
            system="diamond",
            model=name,
            seed=861,
            size="full",
            blob=Blob.of(name.encode()),
            errors={"train": Errors(count=1, energy_meV_atom=1.0)},
            **counts,
        )
        for name in ("pbe_ef", "hf-pbe")
    )
    found = run(store, task(), models)

    assert asked == [("pbe_ef", "float64", "cpu"), ("hf-pbe", "float64", "cpu")]
    assert found.potential == "pbe_ef + hf-pbe"
    assert {"torch", "mace-torch", "ase"} <= found.versions.keys()
    assert not list(store.query({"name": "label"}))
    monkeypatch.setattr("flows.labelling.sampling.jobs.warm", Glass)
    monkeypatch.setattr(Glass, "calls", [])
    springs_of_both = run(store, by_engine(key="engine"))
    assert [frame.step for frame in springs_of_both.frames] == [frame.step for frame in found.frames]
    for one, other in zip(springs_of_both.frames, found.frames, strict=True):
        assert np.allclose(one.structure.positions, other.structure.positions, rtol=0, atol=1e-9)


def test_what_cannot_move_atoms_is_refused(store):
    with pytest.raises(CalculationFailed, match="at least one trained model") as caught:
        run(store, task())
    assert caught.value.failure.stage == "sample"
    with pytest.raises(
        ValidationError, match=r"pyscf has no forces at level 'hf': a sweep can run at \['dft'\]"
    ):
        task(engine=PySCFSettings(), level="hf")
    with pytest.raises(ValidationError, match="go together"):
        task(engine=ENGINE)
