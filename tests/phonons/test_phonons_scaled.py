"""A potential times a number: force constants in a file, scaled, against phonons of the scaled forces themselves."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from test_phonons_harmonic import Springs
from test_phonons_nac import QUICK, ionic, rocksalt, springs, tetragonal

from flows.phonons.outcome import phonons_of
from flows.phonons.scaled import StoredCrystal
from flows.phonons.settings import NacSettings, PhononTask
from flows.records import Structure

FACTORS = (1.0, 1.21, 0.64)


def task_of(atoms: Atoms, nac: NacSettings | None = None) -> PhononTask:
    return PhononTask(
        key="k", system="s", model="dft_ef", seed=1, size="full",
        primitive=Structure.from_atoms(atoms),
        supercell=((2, 0, 0), (0, 2, 0), (0, 0, 2)),
        settings=QUICK,
        nac=nac,
    )


def points_of(task: PhononTask, forces: Springs, factor: float) -> dict[str, tuple[float, ...]]:
    """With the forces multiplied, from new displacements."""
    return phonons_of(task, lambda atoms: factor * forces(atoms)).points_cm1


def test_frequencies_go_with_the_root_of_the_potential():
    atoms = bulk("C", "diamond", a=3.56)
    forces = Springs(atoms, 1.6, 21.0, 3.5)
    base = points_of(task_of(atoms), forces, 1.0)
    for factor in FACTORS:
        scaled = points_of(task_of(atoms), forces, factor)
        for name, frequencies in base.items():
            assert scaled[name] == pytest.approx(np.sqrt(factor) * np.array(frequencies), abs=1e-3)


@pytest.mark.parametrize(
    ("atoms", "nac"),
    [
        (rocksalt(), None),
        (rocksalt(), ionic(rocksalt())),
        (rocksalt(), ionic(rocksalt(), method="wang")),
        (tetragonal(), ionic(tetragonal(), (0.8, 0.8, 1.4), (3.0, 3.0, 5.0))),
    ],
    ids=["without", "gonze", "wang", "tetragonal"],
)
def test_a_stored_crystal_is_scaled_as_its_forces_are(atoms, nac):
    task = task_of(atoms, nac)
    stored = phonons_of(task, springs(atoms)).blob.content()
    for factor, found in zip(FACTORS, StoredCrystal.of(stored, task).scaled_points_cm1(stored, *FACTORS), strict=True):
        expected = points_of(task, springs(atoms), factor)
        assert found.keys() == expected.keys()
        for name, frequencies in expected.items():
            assert found[name] == pytest.approx(frequencies, abs=2e-3)


@pytest.mark.parametrize("method", ["gonze", "wang"])
def test_the_splitting_is_not_multiplied(method):
    """ω_LO² - ω_TO² is of the charges alone, so a root of the factor is right for TO and wrong for LO."""
    task = task_of(rocksalt(), ionic(rocksalt(), method=method))
    stored = phonons_of(task, springs(rocksalt())).blob.content()
    one, more = (np.array(found["Γ"]) for found in StoredCrystal.of(stored, task).scaled_points_cm1(stored, 1.0, 1.21))
    assert more[3] == pytest.approx(1.1 * one[3], rel=1e-6)
    assert more[5] ** 2 - more[3] ** 2 == pytest.approx(one[5] ** 2 - one[3] ** 2, rel=1e-6)
    assert more[5] < 1.1 * one[5] - 5


def test_one_crystal_serves_all_of_its_models_and_no_other():
    atoms = rocksalt()
    task = task_of(atoms, ionic(atoms))
    soft, stiff = (phonons_of(task, Springs(atoms, 2.1, along, 0.6)) for along in (3.0, 5.0))
    crystal = StoredCrystal.of(soft.blob.content(), task)
    assert stiff.blob.content().startswith(crystal.head + b"\nforce_constants:\n")  # so what is before them is not read again
    (found,) = crystal.scaled_points_cm1(stiff.blob.content(), 1.0)
    for name, frequencies in stiff.points_cm1.items():
        assert found[name] == pytest.approx(frequencies, abs=2e-3)
    other = phonons_of(task_of(tetragonal()), springs(tetragonal())).blob.content()
    other_version = stiff.blob.content().replace(b'version: "', b'version: "9.', 1)  # a file of another phonopy is read whole
    assert other_version != stiff.blob.content()
    assert next(crystal.scaled_points_cm1(other_version, 1.0)) == found
    damaged = stiff.blob.content().replace(b"  elements:", b"  elephants:")
    with pytest.raises(ValueError, match="not as phonopy writes them"):
        next(crystal.scaled_points_cm1(damaged, 1.0))
    with pytest.raises(ValueError, match="another crystal"):
        next(crystal.scaled_points_cm1(other, 1.0))
