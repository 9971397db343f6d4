"""A harmonic crystal: its MD shows the lines of its harmonic density of states, on the q-points of the cell."""

from __future__ import annotations

import numpy as np
import pytest
from dynamics_toys import BIG, LIH, dynamics, lih, spring_matrix, task
from scipy.signal import find_peaks

from flows.dynamics.harmonic import harmonic_spectrum
from flows.dynamics.outcome import vibrations_of
from flows.dynamics.settings import VibrationSettings
from flows.dynamics.windows import verlet_frequency_cm1, verlet_shift_cm1
from flows.phonons.cells import supercell_matrix
from flows.phonons.harmonic import harmonic_crystal
from flows.phonons.qpoints import commensurate

LINES = VibrationSettings(resolution_cm1=40.0, pitch_cm1=2.0, max_cm1=3000.0)
LONG = dynamics(steps=4000, starts=2, equilibration_steps=200, friction_per_fs=0.08, timestep_fs=1.0)


TO_CM1 = 521.4708983725064  # sqrt(eV/Å²/u)


def springs(atoms, reach=2.1):
    """Forces of any supercell of LIH."""
    inverse = np.linalg.inv(LIH.cell.array) * 2
    ideal = atoms.copy()
    ideal.positions = np.rint(atoms.positions @ inverse) @ np.linalg.inv(inverse)
    return -(spring_matrix(ideal, reach) @ (atoms.positions - ideal.positions).ravel()).reshape(-1, 3)


def modes_cm1(atoms, reach):
    """(3N,) ascending: the eigenvalues of the Hessian of a whole cell."""
    masses = np.repeat(atoms.get_masses(), 3)
    squares = np.linalg.eigvalsh(spring_matrix(atoms, reach) / np.sqrt(np.outer(masses, masses)))
    return np.sqrt(np.maximum(squares, 0)) * TO_CM1


@pytest.fixture(scope="module")
def supercell() -> np.ndarray:
    return supercell_matrix(LIH, BIG.cell.array)


@pytest.fixture(scope="module")
def crystal(supercell):
    return harmonic_crystal(LIH, supercell, springs)


@pytest.fixture(scope="module")
def harmonic(crystal, supercell):
    return harmonic_spectrum(crystal.yaml(), supercell, LONG, LINES)


@pytest.fixture(scope="module")
def anharmonic(tmp_path_factory):
    asked = task(dynamics=LONG, vibrations=LINES, normalized_atoms=2)
    return vibrations_of(asked, lih().calc, tmp_path_factory.mktemp("md"))


def test_the_harmonic_spectrum_has_the_modes_of_the_cell(crystal, supercell, harmonic):
    """Against the eigenvalues of the big cell itself, Gaussians of the stated width: no phonopy, no q-points."""
    modes = modes_cm1(BIG, 2.1)[3:]
    grid = np.array(harmonic.frequencies_cm1)
    sigma = harmonic.resolution_cm1 / 2.3548200450309493
    lines = np.exp(-(((grid[:, None] - modes) / sigma) ** 2) / 2) / (sigma * np.sqrt(2 * np.pi))
    expected = lines.sum(axis=1) * 6 / len(modes)
    assert np.array(harmonic.total) == pytest.approx(expected, abs=1e-3 * expected.max())
    assert harmonic.qpoints == 4 == len(commensurate(supercell))
    assert crystal.frequencies_cm1(commensurate(supercell)).max() == pytest.approx(modes.max(), abs=0.01)


def test_force_constants_of_a_smaller_cell_put_the_modes_of_the_md_elsewhere():
    """Springs that reach beyond the smaller cell: the cell's own Hessian is met exactly, by its own constants alone."""
    big = BIG.repeat(2)
    supercell, reach = supercell_matrix(LIH, big.cell.array), 4.1
    expected = modes_cm1(big, reach)

    def rms_off(of):
        crystal = harmonic_crystal(LIH, of, lambda atoms: springs(atoms, reach))
        found = np.sort(crystal.frequencies_cm1(commensurate(supercell)), axis=None)
        return np.sqrt(np.mean((found - expected) ** 2))

    assert rms_off(supercell) < 0.1
    assert rms_off(2 * np.eye(3, dtype=int)) > 10


def test_force_constants_of_another_cell_are_refused(crystal, supercell):
    with pytest.raises(ValueError, match="force constants of the supercell"):
        harmonic_spectrum(crystal.yaml(), 2 * supercell, LONG, LINES)


def test_the_same_cell_in_other_vectors_is_the_same(crystal, supercell, harmonic):
    other = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]]) @ supercell
    assert harmonic_spectrum(crystal.yaml(), other, LONG, LINES).total == pytest.approx(harmonic.total, abs=1e-6)


def test_unstable_modes_are_counted_and_stand_at_zero(supercell):
    """Springs that push: every mode but the translations is unstable."""
    crystal = harmonic_crystal(LIH, supercell, lambda atoms: -springs(atoms))
    found = harmonic_spectrum(crystal.yaml(), supercell, LONG, LINES)
    assert found.unstable == 3 * len(BIG) - 3
    assert found.lowest_cm1 == pytest.approx(-modes_cm1(BIG, 2.1).max(), rel=1e-4)
    assert np.argmax(found.total) == 0


def test_peaks_of_the_md_are_those_of_the_harmonic_crystal(harmonic, anharmonic):
    grid = np.array(harmonic.frequencies_cm1)
    expected, seen = (
        grid[find_peaks(curve, prominence=0.03 * max(curve))[0]]
        for curve in (harmonic.total, anharmonic.total)
    )
    assert len(expected) >= 3
    for peak in verlet_frequency_cm1(expected, LONG.timestep_fs):
        assert np.abs(seen - peak).min() < LINES.resolution_cm1 / 4


@pytest.mark.parametrize("which", ["harmonic", "anharmonic"])
def test_both_have_the_same_states(which, request):
    found = request.getfixturevalue(which)
    assert found.normalized_to == 6
    assert found.captured == pytest.approx(6, rel=2e-3)
    assert np.sum(list(found.projected.values()), axis=0) == pytest.approx(np.array(found.total), abs=1e-6)
    assert found.resolution_cm1 == pytest.approx(40, rel=1e-2)


def test_elements_share_the_lines_as_eigenvectors_do(harmonic, anharmonic):
    grid = np.array(harmonic.frequencies_cm1)
    optical = grid > 1000
    for spectrum in (harmonic, anharmonic):
        assert np.sum(np.array(spectrum.projected["H"])[optical]) > 5 * np.sum(
            np.array(spectrum.projected["Li"])[optical]
        )


def test_the_record_says_what_was_run(anharmonic):
    assert len(anharmonic.starts) == 2
    band = anharmonic.bands["H"]
    mean = np.array(anharmonic.projected["H"])
    assert (np.array(band.low) <= mean + 1e-9).all()
    assert (np.array(band.high) >= mean - 1e-9).all()
    assert max(band.standard_error) > 0
    assert anharmonic.edge_cm1 > 1000
    assert anharmonic.verlet_shift_cm1 == verlet_shift_cm1(anharmonic.edge_cm1, 1.0) > 5
    assert {"ase", "numpy", "scipy", "h5py", "python"} == anharmonic.versions.keys()
    assert (anharmonic.atoms, anharmonic.steps, anharmonic.timestep_fs) == (8, 4000, 1.0)


def test_the_mode_of_py_vacf_is_labelled_and_has_the_same_peaks(harmonic, tmp_path):
    lines = LINES.model_copy(update={"definition": "velocity-acf"})
    once = LONG.model_copy(update={"starts": 1, "steps": 2600})
    found = vibrations_of(task(dynamics=once, vibrations=lines), lih().calc, tmp_path)
    assert found.definition == "velocity-acf"
    assert found.captured == pytest.approx(24, rel=0.01)
    assert found.bands == {}
    grid = np.array(found.frequencies_cm1)
    highest = grid[np.argmax(found.total)]
    expected = grid[find_peaks(harmonic.total, prominence=0.03 * max(harmonic.total))[0]]
    assert np.abs(expected - highest).min() < LINES.resolution_cm1 / 2
