"""A campaign whose records were written by hand: a database in memory, labels of toy files, no training."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mongomock_ng
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from jobflow import JobStore
from maggma.stores import MemoryStore

from campaign.planning.knowledge import Knowledge
from campaign.planning.plan import Plan, Work, plan
from campaign.records import labels
from campaign.records.campaigns import keep
from campaign.spec import LoadedSpec, load_spec
from flows.keys import job_uuid
from flows.records import (
    Bands,
    Baseline,
    Blob,
    DensityOfStates,
    Errors,
    Phonons,
    SummedModel,
    TrainedModel,
    UnstableModes,
)
from flows.training.settings import TrainingTask
from launchers.farm import Farm

YAML = """\
campaign: toy
systems:
  carbon:
    structure: {prototype: diamond, symbols: [C], a: 3.56}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2]}
    levels:
      dft: {data: dft.xyz, forces: true, functional: PBE}
      hf: {data: hf.xyz}
      mp2:
models: [dft_ef, hf-dft, mp2-dft]
training:
  seeds: [1, 2]
  sizes: {full: full, half: 6, few: 4}
  valid_fraction: 0.2
"""

FRAMES = 12
ATOMS = 8
MODEL_BYTES = b"a model"
YAML_BYTES = b"phonopy: {}\n"
POINTS = {"Γ": (0.0, 0.0, 0.0, 1300.0, 1300.1, 1300.2), "X": (800.0, 800.0, 1100.0, 1100.0, 1200.0, 1200.0)}


def write_labels(folder: Path) -> None:
    """Frames of a harmonic crystal at `dft`; at `hf` 1.2 times its energies; one of its frames is of no use."""
    random = np.random.default_rng(3)
    frames = {"dft": [], "hf": []}
    for _ in range(FRAMES):
        atoms = bulk("C", "diamond", a=3.56, cubic=True)
        moved = random.normal(scale=0.05, size=(ATOMS, 3))
        atoms.positions += moved
        energy = 10 * float((moved**2).sum())
        frames["dft"].append(_labelled(atoms, energy=energy, forces=-20 * moved))
        frames["hf"].append(_labelled(atoms, energy=1.2 * energy))
    frames["hf"].append(_labelled(bulk("C", "diamond", a=3.56, cubic=True), energy=0.1))
    for level, images in frames.items():
        write(folder / f"{level}.xyz", images, format="extxyz")


def _labelled(atoms: Atoms, **results: Any) -> Atoms:
    copy = atoms.copy()
    copy.calc = SinglePointCalculator(copy, **results)
    return copy


def farm() -> Farm:
    database = mongomock_ng.MongoClient().db
    launchpad = SimpleNamespace(db=database, workflows=database.workflows, fireworks=database.fireworks, launches=database.launches)
    store = JobStore(MemoryStore(), additional_stores={"blobs": MemoryStore()})
    store.connect()
    return Farm(launchpad, store)


def load(folder: Path, text: str = YAML) -> LoadedSpec:
    path = folder / "toy.yaml"
    path.write_text(text)
    return load_spec(path)


def enter(into: Farm, loaded: LoadedSpec) -> Plan:
    """Submit without a queue: labels and spec stored, and the plan."""
    label_sets = labels.ensure(into, loaded.resolved, labels.from_disk(loaded.files))
    keep(into, loaded.resolved)
    return plan(loaded.resolved, Knowledge(label_sets))


def store(into: Farm, record: Any) -> None:
    """As jobflow does it: the blob in a store of its own."""
    document = {"uuid": job_uuid(record.key), "index": 1, "output": record.model_dump(mode="json")}
    into.store.update(document, key=["uuid", "index"], save={"blobs": ["blob"]})


def trained(into: Farm, work: Work, off_eV: float = 0.0, learned: bool = True) -> TrainedModel:
    """A model that is `off_eV` off for every structure."""
    task = work.task
    assert isinstance(task, TrainingTask)
    errors = {
        split: Errors(count=len(keys), energy_meV_atom=2.0, force_meV_A=50.0 if len(keys[0]) == 1 else None)
        for split in ("train", "valid", "test")
        if (keys := getattr(task, split))
    }
    lines = tuple(
        Baseline(split=split, constant_meV_atom=8.0, line_meV_atom=4.0 if split == "test" else 5.0)
        for split in errors
    )
    return TrainedModel(
        **{name: getattr(task, name) for name in ("key", "system", "model", "seed", "size")},
        **{f"{split}_count": len(getattr(task, split)) for split in ("train", "valid", "test")},
        atoms=ATOMS,
        errors=errors,
        baselines=lines if "-" in work.model else (),
        line_slope=slope(into, task) if "-" in work.model else None,
        rms_delta_force_meV_A=12.0 if "-" in work.model else None,
        learned=learned,
        verdict="a straight line does as well" if not learned else "fine",
        best_epoch=7,
        resumed_from_epochs=(3,) if work.seed == 2 else (),
        predictions_eV=_predictions(into, task, off_eV),
        device="cpu",
        wall_time_s=3.5,
        blob=Blob.of(MODEL_BYTES),
    )


def slope(into: Farm, task: TrainingTask) -> float:
    """Of E_upper - E_base against E_base, over the structures that train."""
    found = into.records(job_uuid(key) for keys in task.train for key in keys)
    upper, base = np.array([[found[job_uuid(key)]["energy_eV"] for key in keys] for keys in task.train]).T
    return float(np.polyfit(base, upper - base, 1)[0])


def _predictions(into: Farm, task: TrainingTask, off_eV: float) -> dict[str, float]:
    predictions = {}
    for keys in (*task.train, *task.valid, *task.test):
        found = into.records(job_uuid(key) for key in keys)
        upper, *base = (found[job_uuid(key)] for key in keys)
        exact = upper["energy_eV"] - sum(one["energy_eV"] for one in base)
        predictions[upper["structure_key"]] = exact + off_eV
    return predictions


def summed(work: Work, learned: bool = True) -> SummedModel:
    task = work.task.model_dump()
    errors = {
        split: Errors(count=len(keys), energy_meV_atom=3.0) for split, keys in task["labels"].items() if keys
    }
    names = ("key", "system", "model", "seed", "size", "base_key", "difference_key")
    return SummedModel(**{name: task[name] for name in names}, errors=errors, learned=learned)


def vibrating(work: Work, shift_cm1: float = 0.0, learned: bool = True) -> Phonons:
    """Phonons whose optical mode at Γ lies `shift_cm1` higher."""
    gamma = tuple(frequency + shift_cm1 if frequency else frequency for frequency in POINTS["Γ"])
    return Phonons(
        **{name: getattr(work, name) for name in ("key", "system", "model", "seed", "size")},
        learned=learned,
        verdict="" if learned else "a straight line does as well",
        bands=Bands(labels=(), qpoints=(), distances=(), frequencies_cm1=()),
        dos=DensityOfStates(frequencies_cm1=(), total=(), mesh=(1, 1, 1)),
        points_cm1=POINTS | {"Γ": gamma},
        sum_rule_eV_A2=0.0,
        displacements=1,
        unstable=UnstableModes(count=0, total=48, lowest_cm1=0.0, qpoint=(0, 0, 0), label="Γ")
        if learned
        else UnstableModes(count=5, total=48, lowest_cm1=-33.0, qpoint=(0.5, 0, 0.5), label="X"),
        blob=Blob.of(YAML_BYTES),
    )


def everything(into: Farm, made: Plan) -> None:
    """All records: seed 2 lies 10 cm^-1 and 0.016 eV higher; the difference of size `few` has not learned."""
    for work in made.work.values():
        learned = work.size != "few" or work.model == "dft_ef"
        late = work.seed == 2
        match work.stage:
            case "train":
                store(into, trained(into, work, 0.016 if late else 0.008, learned))
            case "sum":
                store(into, summed(work, learned))
            case _:
                store(into, vibrating(work, 10.0 if late else 0.0, learned))


def fizzle(into: Farm, work: Work, fw_id: int) -> None:
    """The queue as it is after `work` failed."""
    metadata = {"key": work.key, "stage": work.stage}
    into.launchpad.workflows.insert_one(
        {"metadata": metadata, "nodes": [fw_id], "links": {}, "fw_states": {str(fw_id): "FIZZLED"}}
    )
    failure = {"stage": "train", "kind": "diverged", "message": "the loss is nan", "advice": "lower the rate"}
    action = {"stored_data": {"_exception": {"_stacktrace": "Traceback", "_details": {"failure": failure}}}}
    launch = {"fw_id": fw_id, "launch_id": 1, "state": "FIZZLED", "action": action, "launch_dir": "/runs/7"}
    into.launchpad.launches.insert_one(launch)
