"""What a straight line in the energy of the base gives for the frequencies of a sum, in results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import results_world as world
from ase.build import bulk
from sources import module_at

from campaign.planning.work import Work
from campaign.results import Campaign, Result, open_campaign
from campaign.results.line import line_phonons
from flows.phonons.nac import nac_settings
from flows.phonons.outcome import phonons_of
from flows.phonons.settings import PhononSettings, PhononTask
from flows.records import PhononFacts, Structure, TrainedModelFacts
from launchers.farm import Farm

SLOPE = 0.2  # hf is 1.2 times dft


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("line")
    world.write_labels(path)
    return path


@pytest.fixture
def farm(folder: Path) -> Farm:
    made = world.farm()
    world.everything(made, world.enter(made, world.load(folder)))
    return made


@pytest.fixture
def toy(farm: Farm) -> Campaign:
    return open_campaign(farm, "toy")


def test_the_line_of_every_seed_is_the_root_of_one_and_the_slope(toy: Campaign) -> None:
    points = toy.table("points").set_index(["model", "size", "seed", "point", "band"])
    for seed, optical in ((1, 1300.2), (2, 1310.2)):
        assert points.loc["delta_hf", "full", seed, "Γ", 6]["line_cm1"] == pytest.approx(np.sqrt(1 + SLOPE) * optical)
        assert points.loc["delta_hf", "half", seed, "X", 1]["line_cm1"] == pytest.approx(np.sqrt(1 + SLOPE) * 800)
    assert points["line_cm1"].isna().groupby("model").mean().to_dict() == {"dft_ef": 1, "delta_hf": 0}
    assert {line.base for line in toy.lines().values()} == {"dft"}


def test_the_line_stands_beside_the_seed_spread(toy: Campaign) -> None:
    phonons = toy.table("phonons").set_index(["model", "size", "point", "bands"])
    optical = phonons.loc["delta_hf", "full", "Γ", "4-6"]
    assert optical["line_min_cm1"] == pytest.approx(np.sqrt(1 + SLOPE) * 1300.1)
    assert optical["line_max_cm1"] == pytest.approx(np.sqrt(1 + SLOPE) * 1310.1)
    assert phonons.loc["dft_ef"]["line_min_cm1"].isna().all()


@pytest.mark.parametrize("seed", [1, 2])
def test_there_is_no_line_without_the_phonons_of_the_base(farm: Farm, toy: Campaign, seed: int) -> None:
    farm.outputs.delete_one({"output.key": toy.find("phonons", "carbon", "dft_ef", seed, "full").key})
    found = open_campaign(farm, "toy")
    points = found.table("points").set_index(["model", "size", "seed"])
    assert points.loc["delta_hf", "full", seed]["line_cm1"].isna().all()
    assert points.loc["delta_hf", "full", 3 - seed]["line_cm1"].notna().all()
    phonons = found.table("phonons").set_index(["model", "size"])  # an interval over fewer seeds is another one
    assert phonons.loc["delta_hf", "full"]["line_max_cm1"].isna().all()
    assert phonons.loc["delta_hf", "half"]["line_max_cm1"].notna().all()


@pytest.mark.parametrize("slope", [-1.0, -1.3])
def test_a_line_that_pushes_atoms_away_has_no_frequencies(farm: Farm, toy: Campaign, slope: float) -> None:
    work = toy.find("train", "carbon", "hf-dft", 1, "full")
    record = world.trained(farm, work)
    world.store(farm, record.model_copy(update={"line_slope": slope}))
    points = open_campaign(farm, "toy").table("points").set_index(["model", "size", "seed"])
    assert points.loc["delta_hf", "full", 1]["line_cm1"].isna().all()
    assert points.loc["delta_hf", "full", 2]["line_cm1"].notna().all()


@pytest.mark.parametrize("method", [None, "gonze", "wang"])
def test_the_line_of_a_polar_crystal_is_that_of_scaled_forces(method: Any) -> None:
    """Phonons of a sum that *is* the line, computed from 1.2 times the forces of the base."""
    atoms = bulk("LiH", "rocksalt", a=4.0)
    charges = [1.05 * np.eye(3), -1.05 * np.eye(3)]
    nac = None if method is None else nac_settings(atoms, charges, 4.3 * np.eye(3), method)
    forces = springs_of(atoms)
    base = task_of("dft_ef", atoms, nac)
    below = Result(work_of("b", base, "base"), phonons_of(base, forces))
    above = task_of("delta_hf", atoms, nac)
    line = Result(work_of("s", above, "base", "hf"), phonons_of(above, lambda moved: (1 + SLOPE) * forces(moved)))
    farm = world.farm()
    world.store(farm, below.record.model_copy(update={"key": "b"}))
    facts = [Result(one.work, PhononFacts.model_validate(one.record.model_dump())) for one in (below, line)]

    found = line_phonons(farm, facts, [trained("base", "dft_ef"), trained("hf", "hf-dft", SLOPE)])

    assert found.keys() == {"s"}
    for name, frequencies in line.record.points_cm1.items():
        assert found["s"].points_cm1[name] == pytest.approx(frequencies, abs=2e-3)


def test_a_damaged_file_of_a_polar_crystal_gives_no_line() -> None:
    atoms = bulk("LiH", "rocksalt", a=4.0)
    nac = nac_settings(atoms, [np.eye(3), -np.eye(3)], 4.3 * np.eye(3))
    task = task_of("dft_ef", atoms, nac)
    record = phonons_of(task, springs_of(atoms))
    below = Result(work_of("b", task, "base"), record)
    above = Result(work_of("s", task_of("delta_hf", atoms, nac), "base", "hf"), record)
    farm, damaged = world.farm(), record.blob.model_copy(update={"sha256": "0" * 64})
    world.store(farm, record.model_copy(update={"key": "b", "blob": damaged}))
    assert line_phonons(farm, [below, above], [trained("base", "dft_ef"), trained("hf", "hf-dft", SLOPE)]) == {}


def springs_of(atoms: Any) -> Any:
    return module_at("tests/phonons/test_phonons_harmonic.py").Springs(atoms, 2.1, 3.0, 0.6)


def task_of(model: str, atoms: Any, nac: Any) -> PhononTask:
    return PhononTask(
        key="k", system="lih", model=model, seed=1, size="full",
        primitive=Structure.from_atoms(atoms),
        supercell=((2, 0, 0), (0, 2, 0), (0, 0, 2)),
        settings=PhononSettings(mesh=(2, 2, 2), points_per_segment=3),
        nac=nac,
    )


def work_of(key: str, task: PhononTask, *needs: str) -> Work:
    return Work(key, "phonons", "lih", task.model, 1, "full", needs, task)


def trained(key: str, model: str, slope: float | None = None) -> Result[TrainedModelFacts]:
    record = TrainedModelFacts(
        key=key, system="lih", model=model, seed=1, size="full", errors={},
        train_count=1, valid_count=1, test_count=0, atoms=2,
        line_slope=slope,
    )
    task = task_of(model, bulk("LiH", "rocksalt", a=4.0), None)  # of no account here
    return Result(Work(key, "train", "lih", model, 1, "full", (), task), record)
