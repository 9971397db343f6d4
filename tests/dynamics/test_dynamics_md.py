"""Long MD: the ensemble, what is conserved, what is random, and what a kill costs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.io import read
from dynamics_toys import Harmonic, dynamics, frames_of, lih
from pydantic import ValidationError

from flows.dynamics.md import StartDirectory, simulate
from flows.dynamics.outcome import start_facts
from flows.dynamics.settings import DynamicsSettings, VibrationSettings, check_resolution
from flows.dynamics.trajectory import PRODUCTION
from flows.dynamics.watch import LAST_GOOD
from flows.dynamics.windows import verlet_frequency_cm1, verlet_shift_cm1
from flows.failure import CalculationFailed, MachineTrouble

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from dynamics_toys import dynamics, lih
from flows.dynamics.md import StartDirectory, simulate
atoms = lih()
calculate, calls = atoms.calc.calculate, []

def counted(*arguments, **named):
    calls.append(1)
    if len(calls) == {calls}:
        os.kill(os.getpid(), signal.SIGKILL)
    return calculate(*arguments, **named)

atoms.calc.calculate = counted
simulate(atoms, dynamics(), 0, StartDirectory(Path({directory!r}), "me", chunk_steps=40))
"""


def run(directory: Path, start: int = 0, chunk_steps: int = 40, **changes):
    return simulate(lih(), dynamics(**changes), start, StartDirectory(directory, "me", chunk_steps))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("undisturbed")
    run(directory)
    return directory


@pytest.mark.parametrize("calls", [25, 52, 150, 237])
def test_a_killed_run_ends_bit_identical(calls, undisturbed, tmp_path):
    """Within equilibration, before and after its first chunk, and within production; then a torn file on top."""
    script = KILLED.format(tests=str(Path(__file__).parent), directory=str(tmp_path), calls=calls)
    ended = subprocess.run([sys.executable, "-c", script], env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert ended.returncode == -signal.SIGKILL
    written = sorted(tmp_path.glob("chunk-*.h5"))
    if calls == 237:
        written[-1].write_bytes(written[-1].read_bytes()[:-100])

    trajectory = run(tmp_path)

    assert frames_of(tmp_path) == frames_of(undisturbed)
    resumed = {25: (), 52: (-20,), 150: (80,), 237: (120,)}[calls]
    assert start_facts(trajectory, 8).resumed_from_steps == resumed


def test_the_size_of_chunks_changes_no_number(undisturbed, tmp_path):
    one, other = run(undisturbed), run(tmp_path, chunk_steps=33)
    everything = slice(None)
    assert other.velocities().shape == (200, 8, 3)
    assert np.array_equal(one.velocities()[:, everything], other.velocities()[:, everything])
    assert np.array_equal(one.column("positions"), other.column("positions"))


def test_a_finished_run_is_read_not_run(undisturbed):
    atoms = lih()
    atoms.calc.calculate = lambda *_: pytest.fail("ran again")
    assert simulate(atoms, dynamics(), 0, StartDirectory(undisturbed, "me")).steps_done(PRODUCTION) == 200


def test_chunks_of_another_run_are_not_continued(tmp_path):
    first = run(tmp_path)
    other = simulate(lih(), dynamics(temperature_K=200), 0, StartDirectory(tmp_path, "somebody else", 40))
    assert start_facts(other, 8).resumed_from_steps == ()
    assert start_facts(other, 8).temperature_K < 0.9 * start_facts(first, 8).temperature_K
    assert other.ignored == ["up to step 200 of production on disk: of another run, or of other packages"]
    # and the chunks of the first are kept for it
    atoms = lih()
    atoms.calc.calculate = lambda *_: pytest.fail("ran again")
    simulate(atoms, dynamics(), 0, StartDirectory(tmp_path, "me"))


def test_a_lost_chunk_costs_what_comes_after_it(undisturbed, tmp_path):
    run(tmp_path)
    sorted(tmp_path.glob("chunk-1*.h5"))[1].unlink()
    assert start_facts(run(tmp_path), 8).resumed_from_steps == (40,)
    assert frames_of(tmp_path) == frames_of(undisturbed)


def test_starts_differ_and_are_reproducible(undisturbed, tmp_path):
    again, other = run(tmp_path / "again"), run(tmp_path / "other", start=1)
    assert frames_of(again.directory) == frames_of(undisturbed)
    assert not np.allclose(other.velocities()[:, :], again.velocities()[:, :])


def test_the_centre_of_mass_rests(undisturbed):
    velocities = run(undisturbed).velocities()[:, :].astype(float)
    masses = lih().get_masses()
    momentum = np.einsum("a,fac->fc", masses, velocities) / masses.sum()
    assert np.abs(momentum).max() < 1e-7 * np.abs(velocities).max()


def test_no_stress_is_asked_for(tmp_path):
    atoms, asked = lih(), []
    calculate = atoms.calc.calculate
    atoms.calc.calculate = lambda atoms, properties, changes: (
        asked.extend(properties),
        calculate(atoms, properties, changes),
    )
    simulate(atoms, dynamics(steps=20), 0, StartDirectory(tmp_path, "me"))
    assert set(asked) <= {"energy", "forces"}


def test_equilibration_reaches_the_temperature(tmp_path):
    """The kinetic energy of 21 modes, averaged over 12 starts: 300 K within four standard errors (2 / 21 / 12)^½ T."""
    reached = [
        start_facts(
            run(tmp_path / str(i), i, 200, equilibration_steps=150, friction_per_fs=0.08, steps=30), 8
        )
        for i in range(12)
    ]
    assert np.mean([facts.temperature_K for facts in reached]) == pytest.approx(
        300, rel=4 * np.sqrt(2 / 21 / 12)
    )


def test_energy_fluctuates_with_the_square_of_the_timestep(tmp_path):
    facts = [
        start_facts(run(tmp_path / str(dt), timestep_fs=dt, steps=round(200 / dt)), 8).fluctuation_meV_atom
        for dt in (0.5, 1.0)
    ]
    assert facts[1] / facts[0] == pytest.approx(4, rel=0.5)


def test_no_drift(undisturbed):
    facts = start_facts(run(undisturbed), 8)
    assert abs(facts.drift_meV_atom) < 0.01 * 1e3 * units.kB * 300


def test_frames_and_their_positions(tmp_path):
    trajectory = run(tmp_path, sample_every=4, positions_every=5)
    assert trajectory.velocities().shape == (50, 8, 3)
    assert trajectory.column("positions").shape == (10, 8, 3)
    assert trajectory.column("position_steps").tolist() == list(range(20, 201, 20))
    with pytest.raises(ValidationError, match="multiple of sample_every"):
        dynamics(steps=30, sample_every=4)


def test_an_explosion_keeps_the_last_good_frame(tmp_path):
    with pytest.raises(CalculationFailed) as caught:
        simulate(lih(cubic=200.0), dynamics(), 0, StartDirectory(tmp_path, "me", 10))
    failure = caught.value.failure
    assert failure.kind == "exploded"
    assert failure.run_directory == str(tmp_path)
    good = read(tmp_path / LAST_GOOD)
    assert np.isfinite(good.get_velocities()).all()
    assert good.get_temperature() < 5 * 300 * 1.2
    assert f"step {good.info['step'] + 1} of {good.info['phase']}" in failure.message
    assert [path.name for path in tmp_path.iterdir()] == [LAST_GOOD]


def test_forces_that_are_not_finite_are_an_explosion(tmp_path):
    atoms = lih()
    calculate, calls = atoms.calc.calculate, []

    def broken(*arguments):
        calculate(*arguments)
        calls.append(1)
        if len(calls) == 30:
            atoms.calc.results["forces"][0] = np.nan

    atoms.calc.calculate = broken
    with pytest.raises(CalculationFailed, match="not finite"):
        simulate(atoms, dynamics(), 0, StartDirectory(tmp_path, "me"))


def test_energy_that_drifts_is_an_explosion(tmp_path):
    """A timestep beyond what the stiffest mode bears, but short of heat: the energy is the first to tell."""
    with pytest.raises(CalculationFailed, match="total energy moved"):
        run(tmp_path, timestep_fs=7.0, equilibration_steps=0, max_temperature_ratio=1e6, max_drift_kT=1e-3)


def test_a_full_disk_is_trouble_of_the_machine(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(MachineTrouble, match="No space left"):
        run(tmp_path)
    assert not list(tmp_path.glob("*.unfinished"))


@pytest.mark.parametrize("timestep_fs", [0.5, 1.0, 2.0])
def test_verlet_shifts_an_oscillator_as_the_formula_says(timestep_fs, tmp_path):
    """A single oscillator at 1332 cm^-1, its frequency from zero crossings of the integrated velocity."""
    cm1 = 1332.0
    omega = 2 * np.pi * cm1 * 2.99792458e-5 / units.fs  # per ASE time
    pair = Atoms("C2", positions=[[0, 0, 0], [1.5, 0, 0]])
    mass = pair.get_masses()[0]
    k = mass * omega**2 / 2
    pair.calc = Harmonic(pair, k * np.kron([[1, -1], [-1, 1]], np.eye(3)))
    place = StartDirectory(tmp_path, "me")
    settings = dynamics(timestep_fs=timestep_fs, steps=round(1000 / timestep_fs), max_drift_kT=50)
    v = simulate(pair, settings, 0, place).velocities()[:, :][:, 0, 0].astype(float)
    before = np.flatnonzero(v[:-1] * v[1:] < 0)
    crossings = before + v[before] / (v[before] - v[before + 1])
    seen = (len(crossings) - 1) / (2 * timestep_fs * np.ptp(crossings)) / 2.99792458e-5
    expected = float(verlet_frequency_cm1(cm1, timestep_fs))
    assert seen == pytest.approx(expected, abs=0.05)
    assert verlet_shift_cm1(expected, timestep_fs) == pytest.approx(expected - cm1, abs=1e-6)
    assert expected - cm1 == pytest.approx({0.5: 0.875, 1.0: 3.52, 2.0: 14.39}[timestep_fs], abs=0.01)


def test_what_an_md_cannot_show_is_refused():
    with pytest.raises(ValueError, match=r"resolve .* cm\^-1 .* raise resolution_cm1"):
        check_resolution(DynamicsSettings(steps=2000), VibrationSettings())
    with pytest.raises(ValueError, match="lower sample_every or max_cm1"):
        check_resolution(DynamicsSettings(sample_every=20), VibrationSettings())
    with pytest.raises(ValidationError, match="pitch_cm1"):
        VibrationSettings(pitch_cm1=9)
    check_resolution(DynamicsSettings(), VibrationSettings())


def test_the_resolution_that_a_refusal_names_may_be_asked_for():
    short = DynamicsSettings(steps=5000)
    with pytest.raises(ValueError, match=r"resolve 40\.1 cm") as refused:
        check_resolution(short, VibrationSettings(resolution_cm1=39.9))
    assert "raise resolution_cm1" in str(refused.value)
    check_resolution(short, VibrationSettings(resolution_cm1=40.1))
