"""How atoms move in modes: against symmetry, against the centre of mass, and against phonopy's own modulations."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from test_phonons_harmonic import Springs
from test_phonons_nac import ionic, rocksalt, springs

from flows.phonons.harmonic import HarmonicCrystal, harmonic_crystal
from flows.phonons.modes import Block, displaced, displacements, path_modes
from flows.phonons.path import band_path
from flows.phonons.spectra import bands

X, L = (0.5, 0.0, 0.5), (0.5, 0.5, 0.5)
CRYSTALS = {
    "diamond": (bulk("C", "diamond", a=3.56), (1.6, 21.0, 3.5)),
    "zincblende": (bulk("BN", "zincblende", a=3.6), (1.6, 18.0, 2.5)),
    "rocksalt": (bulk("LiH", "rocksalt", a=4.02), (2.1, 2.0, 0.4)),
}


def crystal_of(atoms: Atoms, *spring: float) -> HarmonicCrystal:
    return harmonic_crystal(atoms, 2 * np.eye(3, dtype=int), Springs(atoms, *spring))


@pytest.fixture(scope="module", params=CRYSTALS)
def crystal(request: pytest.FixtureRequest) -> HarmonicCrystal:
    atoms, spring = CRYSTALS[request.param]
    return crystal_of(atoms, *spring)


def test_the_optical_modes_at_gamma_are_the_sublattices_against_each_other(crystal: HarmonicCrystal) -> None:
    """The centre of mass rests, so that the light atom moves by as much more as it is lighter."""
    (found,) = path_modes(crystal, [[(0.0, 0.0, 0.0), X]])
    masses = np.asarray(crystal.phonopy.primitive.masses)
    for first, second in found.displacements[0, 3:]:
        assert np.abs(first.imag).max() < 1e-9
        assert np.allclose(masses[0] * first, -masses[1] * second, atol=1e-6)
        light, heavy = (first, second) if masses[0] <= masses[1] else (second, first)
        assert np.linalg.norm(light) == pytest.approx(1.0)
        assert np.linalg.norm(heavy) == pytest.approx(masses.min() / masses.max())


def test_the_acoustic_modes_at_gamma_move_everything_alike(crystal: HarmonicCrystal) -> None:
    (found,) = path_modes(crystal, [[(0.0, 0.0, 0.0), X]])
    for first, second in found.displacements[0, :3]:
        assert np.allclose(first, second, atol=1e-6)


def as_one_wave(ours: np.ndarray, theirs: np.ndarray) -> float:
    """How far two complex fields are from being each other's multiple, as a fraction."""
    factor = np.vdot(ours, theirs) / np.vdot(ours, ours)
    return float(np.linalg.norm(theirs - factor * ours) / np.linalg.norm(theirs))


@pytest.mark.parametrize("qpoint", [X, L, (0.25, 0.0, 0.25), (0.21, 0.34, -0.4)])
def test_phases_in_a_supercell_are_those_of_phonopy(crystal: HarmonicCrystal, qpoint: tuple) -> None:
    """The whole complex field: that of `run_modulations` in the supercell, mode by mode."""
    dimension = np.array([[2, 0, 0], [0, 2, 0], [0, 0, 4]])
    (found,) = path_modes(crystal, [[qpoint, qpoint]])
    made = crystal.phonopy.run_modulations(dimension, [[qpoint, band, 1.0, 0.0] for band in range(6)])
    cell, primitive = made.supercell, crystal.phonopy.primitive
    fractional = cell.positions @ np.linalg.inv(primitive.cell)
    near = fractional[:, None] - primitive.scaled_positions
    sites = np.abs(near - np.rint(near)).max(axis=2).argmin(axis=1)
    assert sorted(sites.tolist()) == [0] * 16 + [1] * 16
    block = Block(sites, cell.positions, fractional)
    for band in range(6):
        real, imaginary = (displaced(found.displacements[0, band], qpoint, block, phase) for phase in (0.0, -np.pi / 2))
        assert as_one_wave(real + 1j * imaginary, made.modulations[band]) < 1e-6


def test_frequencies_are_those_of_the_bands() -> None:
    """Band by band, with Γ as the limit along each segment where there is LO-TO splitting."""
    atoms = rocksalt()
    crystal = harmonic_crystal(atoms, 2 * np.eye(3, dtype=int), springs(atoms), nac=ionic(atoms))
    path = band_path(atoms)
    known = bands(crystal, path, 7)
    for block, frequencies in zip(path_modes(crystal, known.qpoints), known.frequencies_cm1, strict=True):
        assert np.allclose(block.frequencies_cm1, frequencies, atol=1e-3)


def test_displacements_are_divided_by_the_root_of_the_mass() -> None:
    vectors = np.zeros((6, 1), dtype=complex)
    vectors[0], vectors[3] = 1j * np.sqrt(0.5), -1j * np.sqrt(0.5)
    (found,) = displacements(vectors, [1.0, 9.0])
    assert np.allclose(found, [[1, 0, 0], [-1 / 3, 0, 0]])


def test_a_block_is_a_whole_number_of_cells_and_its_faces() -> None:
    """Eight atoms of the conventional cell of diamond, of which corners and faces are shown on both sides."""
    block = Block.of(CRYSTALS["diamond"][0], 3.56 * np.eye(3))
    assert len(block.sites) == 8 + 6 + 4
    assert (block.sites == 1).sum() == 4
    assert np.allclose(block.positions[block.sites == 1] % 1.78, 0.89)
    assert np.allclose(block.fractional @ CRYSTALS["diamond"][0].cell.array, block.positions)


def test_a_block_begins_at_the_first_atom() -> None:
    """Wherever it is in its cell."""
    moved = CRYSTALS["diamond"][0].copy()
    moved.positions += (0.3, 0.2, 0.1)
    assert len(Block.of(moved, 3.56 * np.eye(3)).sites) == 18
