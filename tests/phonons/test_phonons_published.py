"""A reference and a model with the same forces have the same phonons: both are projected onto the symmetry."""

from __future__ import annotations

import lzma
import re
from collections.abc import Callable

import numpy as np
import phonopy
import pytest
from ase import Atoms
from ase.build import bulk
from ase.neighborlist import neighbor_list
from phonopy.file_IO import write_FORCE_CONSTANTS, write_FORCE_SETS

from flows.phonons.harmonic import _phonopy, harmonic_crystal
from flows.phonons.nac import nac_settings
from flows.phonons.published import read_published
from flows.phonons.raw_layout import RawLayout

LIH = bulk("LiH", "rocksalt", a=4.0)
LIH.set_cell(LIH.cell.array @ [[1.03, 0.02, 0.0], [0.0, 0.98, 0.03], [0.01, 0.0, 1.0]], scale_atoms=True)
"""Without a symmetry that would mend the sum rule."""

SUPERCELL = 2 * np.eye(3, dtype=int)
CHARGES, DIELECTRIC = [1.05 * np.eye(3), -1.05 * np.eye(3)], 4.3 * np.eye(3)
BORN = "1\n4.3 0 0 0 4.3 0 0 0 4.3\n1.05 0 0 0 1.05 0 0 0 1.05\n-1.05 0 0 0 -1.05 0 0 0 -1.05\n"
QPOINTS = [[0, 0, 0], [0.5, 0, 0.5], [0.5, 0.5, 0.5], [0.1, 0.2, 0.3], [0.01, 0, 0]]
TOWARD = [0.5, 0.0, 0.5]


def noisy_forces(rest: Atoms) -> Callable[[Atoms], np.ndarray]:
    """Springs, and force constants that obey no symmetry: a noise of a hundredth of theirs."""
    noise = np.random.default_rng(5).normal(scale=0.02, size=(3 * len(rest), 3 * len(rest)))
    pairs = list(zip(*neighbor_list("ijdD", rest, 3.1), strict=True))

    def forces(atoms: Atoms) -> np.ndarray:
        moved = atoms.positions - rest.positions
        found = -(noise @ moved.ravel()).reshape(-1, 3)
        for i, j, distance, vector in pairs:
            stiffness, unit = (2.0 if rest.numbers[i] != rest.numbers[j] else 0.4), vector / distance
            found[i] += stiffness * unit * (unit @ (moved[j] - moved[i]))
        return found

    return forces


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The forces of the displacements in phonopy's own files, and as a model has them."""
    folder, theirs = tmp_path_factory.mktemp("reference"), _phonopy(LIH, SUPERCELL)
    theirs.generate_displacements(distance=0.01)
    cell = theirs.supercell
    forces = noisy_forces(Atoms(cell.symbols, positions=cell.positions, cell=cell.cell, pbc=True))
    theirs.save(folder / "phonopy_disp.yaml", settings={"force_sets": False, "displacements": True, "force_constants": False})
    theirs.forces = [
        forces(Atoms(one.symbols, positions=one.positions, cell=one.cell, pbc=True)) for one in theirs.supercells_with_displacements
    ]
    write_FORCE_SETS(theirs.dataset, filename=str(folder / "FORCE_SETS"))
    theirs.save(folder / "with_forces.yaml", settings={"force_sets": True, "displacements": True, "force_constants": False})
    theirs.produce_force_constants(show_drift=False, calculate_full_force_constants=False)
    theirs.save(folder / "with_constants.yaml", settings={"force_constants": True})
    theirs.produce_force_constants(show_drift=False)
    write_FORCE_CONSTANTS(theirs.force_constants, filename=str(folder / "FORCE_CONSTANTS"))
    return folder, forces, theirs


REFERENCES = {
    "forces beside": ("phonopy_disp.yaml", {"force_sets": "FORCE_SETS"}),
    "force constants beside": ("phonopy_disp.yaml", {"force_constants": "FORCE_CONSTANTS"}),
    "forces in it": ("with_forces.yaml", {}),
    "force constants in it": ("with_constants.yaml", {}),
}


@pytest.mark.parametrize("charged", [False, True], ids=["plain", "with the term"])
@pytest.mark.parametrize(("name", "beside"), REFERENCES.values(), ids=REFERENCES)
def test_a_reference_is_what_a_model_with_its_forces_is(made, name, beside, charged):
    folder, forces, _ = made
    contents = {kind: (folder / file).read_bytes() for kind, file in beside.items()}
    nac = nac_settings(LIH, CHARGES, DIELECTRIC) if charged else None
    if charged:
        contents["born"] = BORN.encode()
    reference = read_published((folder / name).read_bytes(), LIH, None, RawLayout.of(contents))
    model = harmonic_crystal(LIH, SUPERCELL, forces, nac=nac)
    assert reference.frequencies_cm1(QPOINTS) == pytest.approx(model.frequencies_cm1(QPOINTS), abs=1e-3)
    at_rest, toward = (reference.frequencies_cm1([[0, 0, 0]], along)[0] for along in (None, TOWARD))
    for found, along in ((at_rest, None), (toward, TOWARD)):
        assert acoustic(found) < 1e-3
        assert found == pytest.approx(model.frequencies_cm1([[0, 0, 0]], along)[0], abs=1e-3)
    assert bool(toward[-1] - at_rest[-1] > 50) is charged


def test_the_noise_is_seen_where_the_symmetries_come_one_after_the_other(made):
    """Else the test above would hold of any way to symmetrize. (Of the rows of the primitive cell, as they are read.)"""
    once = made[2].copy()
    once.force_constants = made[2].force_constants[made[2].primitive.p2s_map]
    once.symmetrize_force_constants(show_drift=False)
    found = once.run_qpoints([[0, 0, 0]]).frequencies[0] * 33.35640951981520
    assert acoustic(found) > 0.1


def acoustic(frequencies_cm1: np.ndarray) -> float:
    """The largest of the three that should be zero at Γ."""
    return float(np.sort(np.abs(frequencies_cm1))[2])


def test_it_is_what_phonopy_loads(made):
    """Whose own default is the projector, since version 4."""
    folder, _, _ = made
    theirs = phonopy.load(folder / "phonopy_disp.yaml", force_sets_filename=folder / "FORCE_SETS", log_level=0)
    raw = RawLayout.of({"force_sets": (folder / "FORCE_SETS").read_bytes()})
    found = read_published((folder / "phonopy_disp.yaml").read_bytes(), LIH, None, raw).frequencies_cm1(QPOINTS)
    assert found == pytest.approx(theirs.run_qpoints(QPOINTS).frequencies * 33.35640951981520, abs=1e-2)


def test_moments_that_are_zero_are_none(made):
    """Programs write them for crystals that have no magnetism."""
    folder, _, _ = made
    plain = (folder / "with_constants.yaml").read_text()
    text = re.sub(r"(\n +mass: [\d.]+)", r"\1\n    magnetic_moment: 0.00000000", plain)
    assert "magnetic_moment" in text
    found, expected = (read_published(lzma.compress(one.encode()), LIH, None).frequencies_cm1(QPOINTS) for one in (text, plain))
    assert found == pytest.approx(expected, abs=1e-4)
