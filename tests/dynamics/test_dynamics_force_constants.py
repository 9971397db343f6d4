"""MD with a difference by force constants: the lines of the upper level, and bit by bit the same after an interruption."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from dynamics_toys import BIG, LIH, Harmonic, dynamics, frames_in, spring_matrix, task
from scipy.signal import find_peaks

from flows.dynamics.md import StartDirectory, simulate
from flows.dynamics.outcome import vibrations_of
from flows.dynamics.settings import VibrationSettings
from flows.dynamics.windows import verlet_frequency_cm1
from flows.failure import CalculationFailed
from flows.records import Label, Structure
from flows.training.force_constants.model import ForceConstants
from flows.training.force_constants.outcome import fitted_model
from flows.training.force_constants.settings import ForceConstantSettings, ForceConstantTask
from flows.training.potentials import with_force_constants

LINES = VibrationSettings(resolution_cm1=40.0, pitch_cm1=2.0, max_cm1=3000.0)
LONG = dynamics(steps=4000, starts=2, equilibration_steps=200, friction_per_fs=0.08, timestep_fs=1.0)
TO_CM1 = 521.4708983725064  # sqrt(eV/Å²/u)
BASE = spring_matrix(BIG, 2.1)
UPPER = spring_matrix(BIG, 2.1, along=11.5, across=1.0)  # every mode of another height, not all by one factor


@pytest.fixture(scope="module")
def model() -> ForceConstants:
    """Fitted to energies of both levels, of twelve displaced cells."""
    rng = np.random.default_rng(0)
    labels = {}
    for number in range(12):
        atoms = BIG.copy()
        u = 0.03 * rng.normal(size=atoms.positions.shape)
        u -= u.mean(axis=0)
        atoms.positions += u
        for level, matrix in (("dft", BASE), ("hf", UPPER)):
            labels[f"{level}{number}"] = Label(
                key=f"{level}{number}",
                structure_key=str(number),
                structure=Structure.from_atoms(atoms),
                level=level,
                energy_eV=float(0.5 * u.ravel() @ matrix @ u.ravel()),
                engine="springs",
            )
    asked = ForceConstantTask(
        key="fit",
        system="lih",
        model="hf-dft_fc",
        size="full",
        primitive=Structure.from_atoms(LIH),
        settings=ForceConstantSettings(orders=(2,)),
        train=tuple((f"hf{number}", f"dft{number}") for number in range(12)),
    )
    return ForceConstants.of_file(fitted_model(asked, labels).blob.content())


def tied(model: ForceConstants) -> Atoms:
    atoms = BIG.copy()
    atoms.calc = with_force_constants(Harmonic(BIG, BASE), [model])
    return atoms


def test_the_md_has_the_lines_of_the_upper_level(model: ForceConstants, tmp_path) -> None:
    """Against Gaussians at the eigenvalues of the upper level's own Hessian, and away from those of the base."""
    found = vibrations_of(task(dynamics=LONG, vibrations=LINES, normalized_atoms=2), tied(model).calc, tmp_path)
    grid, seen = np.array(found.frequencies_cm1), peaks_of(np.array(found.frequencies_cm1), np.array(found.total))
    upper, base = (peaks_of(grid, curve(grid, matrix)) for matrix in (UPPER, BASE))
    assert len(upper) >= 3
    near = [np.abs(seen - peak).min() for peak in upper]
    assert max(near) < LINES.resolution_cm1 / 4
    assert np.abs(base.max() - seen).min() > 2 * LINES.resolution_cm1


def peaks_of(grid: np.ndarray, values: np.ndarray) -> np.ndarray:
    return grid[find_peaks(values, prominence=0.03 * values.max())[0]]


def curve(grid: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The modes of a Hessian as an MD of this time step shows them, as Gaussians of the stated width."""
    masses = np.repeat(BIG.get_masses(), 3)
    modes = np.sqrt(np.linalg.eigvalsh(matrix / np.sqrt(np.outer(masses, masses)))[3:]) * TO_CM1
    sigma = LINES.resolution_cm1 / 2.3548200450309493
    return np.exp(-(((grid[:, None] - verlet_frequency_cm1(modes, LONG.timestep_fs)) / sigma) ** 2) / 2).sum(axis=1)


def test_an_interrupted_md_goes_on_bit_by_bit(model: ForceConstants, tmp_path) -> None:
    """Sites are assigned again where it goes on: from where the atoms are by then."""
    settings = dynamics(steps=200, equilibration_steps=40)
    whole = frames_in(simulate(tied(model), settings, 0, StartDirectory(tmp_path / "whole", "me")))

    class Interrupted(BaseException):
        pass

    atoms = tied(model)
    calculate, calls = atoms.calc.calculate, [0]

    def until(*arguments, **named):
        calls[0] += 1
        if calls[0] > 130:
            raise Interrupted
        return calculate(*arguments, **named)

    atoms.calc.calculate = until
    with pytest.raises(Interrupted):
        simulate(atoms, settings, 0, StartDirectory(tmp_path / "parts", "me"))
    resumed = simulate(tied(model), settings, 0, StartDirectory(tmp_path / "parts", "me"))
    assert frames_in(resumed) == whole


def test_an_atom_that_leaves_its_site_ends_it_as_exploded(model: ForceConstants, tmp_path) -> None:
    hot = dynamics(steps=4000, temperature_K=30000.0, max_temperature_ratio=1e6, max_drift_kT=1e6)
    with pytest.raises(CalculationFailed, match="from its site") as caught:
        simulate(tied(model), hot, 0, StartDirectory(tmp_path, "me"))
    assert caught.value.failure.kind == "exploded"
