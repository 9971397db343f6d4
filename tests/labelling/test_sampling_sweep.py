"""The sweep: its temperatures, what it keeps, what it hands over, and what a kill costs."""

from __future__ import annotations

import numpy as np
import pytest
from ase import units
from pydantic import ValidationError
from sampling_toys import CRYSTAL, STRUCTURE, Tied, driver, settings, task

from flows.dynamics.watch import LAST_GOOD
from flows.failure import CalculationFailed, MachineTrouble
from flows.labelling.sampling.settings import SamplingSettings, SweepSettings
from flows.labelling.sampling.sweep import sweep_of
from flows.records import Failure, Structure, Sweep


def same(one: Sweep, other: Sweep) -> bool:
    """Every bit of what was drawn."""
    return one.frames == other.frames and one.temperatures_K == other.temperatures_K


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Sweep:
    return sweep_of(task(), driver(), tmp_path_factory.mktemp("sweep"))


def test_each_temperature_is_reached_in_both_energies(tmp_path):
    """Equipartition: (3N - 3) k T / 2 in momenta, and in positions. Within four standard errors: the energy of an
    oscillator forgets itself at the rate γ of the friction, so that a time t holds γ t independent values of it."""
    crystal = CRYSTAL * (1, 2, 2)
    modes = 3 * (len(crystal) - 1)
    md = {
        "temperatures_K": (100.0, 200.0, 300.0),
        "friction_per_fs": 0.1,
        "steps": 700,
        "discard": 100,
        "every": 5,
    }
    asked = task(**md).model_copy(update={"structure": Structure.from_atoms(crystal)})
    found = sweep_of(asked, driver(Tied(crystal=crystal)), tmp_path)
    allowed = 4 * np.sqrt(2 / modes / (0.1 * 600))
    springs = Tied(crystal=crystal)
    energies = np.array([springs.get_potential_energy(frame.structure.atoms()) for frame in found.frames])
    for temperature in md["temperatures_K"]:
        here = np.array([frame.stratum == temperature for frame in found.frames])
        assert here.sum() == 120
        assert np.array(found.temperatures_K)[here].mean() == pytest.approx(temperature, rel=allowed)
        assert energies[here].mean() * 2 / modes / units.kB == pytest.approx(temperature, rel=allowed)


def test_frames_are_those_asked_for(undisturbed):
    kept = [6, 9, 12, 15, 18, 26, 29, 32, 35, 38]
    assert [frame.step for frame in undisturbed.frames] == kept
    assert [frame.stratum for frame in undisturbed.frames] == [100.0] * 5 + [200.0] * 5
    assert {frame.method for frame in undisturbed.frames} == {"sweep"}
    assert settings().frames == len(kept) == len(undisturbed.temperatures_K)
    assert undisturbed.potential == "springs"
    assert undisturbed.versions["ase"]
    assert {frame.structure.cell for frame in undisturbed.frames} == {STRUCTURE.cell}


def test_the_crystal_does_not_drift(undisturbed):
    centre = STRUCTURE.atoms().get_center_of_mass()
    for frame in undisturbed.frames:
        assert np.abs(frame.structure.atoms().get_center_of_mass() - centre).max() < 1e-12


def test_the_seed_decides_and_nothing_else(undisturbed, tmp_path):
    assert same(sweep_of(task(), driver(), tmp_path / "again"), undisturbed)
    assert not same(sweep_of(task(seed=2), driver(), tmp_path / "other"), undisturbed)


def test_a_hotter_step_more_leaves_the_colder_ones(undisturbed, tmp_path):
    longer = sweep_of(task(temperatures_K=(100.0, 200.0, 300.0)), driver(), tmp_path)
    assert longer.frames[: len(undisturbed.frames)] == undisturbed.frames


def test_frames_are_handed_over_with_what_the_calculator_found(undisturbed, tmp_path):
    handed = []
    found = sweep_of(task(), driver(), tmp_path, lambda *frame: handed.append(frame))
    assert same(found, undisturbed)
    assert [structure for structure, _, _ in handed] == [frame.structure for frame in found.frames]
    for structure, energy, forces in handed:
        again = structure.atoms()
        again.calc = Tied()
        assert energy == again.get_potential_energy()
        assert np.array_equal(forces, again.get_forces())


def test_each_step_asks_once_and_never_for_stress(tmp_path):
    calculator = Tied()
    sweep_of(task(), driver(calculator), tmp_path, lambda *_: None)
    assert len(calculator.asked) == task().settings.total_steps + 1
    assert calculator.properties <= {"energy", "forces"}


@pytest.mark.parametrize(
    ("stopped", "chunk_steps"),
    [(1, 1), (2, 1), (21, 1), (22, 1), (40, 1), (8, 7), (22, 7), (2, 200), (27, 200), (40, 200)],
)
def test_a_killed_sweep_ends_bit_identical(stopped, chunk_steps, undisturbed, tmp_path):
    """Stopped at the start, between frames, at a change of temperature; every step asked for once where each is kept."""
    calculator, handed = Tied(), []
    calculator.stop_at = stopped

    def on_frame(structure, *_):
        handed.append(structure)

    with pytest.raises(RuntimeError, match="killed"):
        sweep_of(task(), driver(calculator), tmp_path, on_frame, chunk_steps)
    found = sweep_of(task(), driver(calculator), tmp_path, on_frame, chunk_steps)

    assert same(found, undisturbed)
    assert handed == [frame.structure for frame in found.frames]
    if chunk_steps == 1:
        assert len(calculator.asked) == task().settings.total_steps + 1 + (stopped == 2)
        assert found.resumed_from_steps == ((stopped - 2,) if stopped > 2 else ())


def test_a_step_that_takes_long_is_kept_at_once(tmp_path, monkeypatch):
    """A kill costs no more than 30 s of work, however few steps these are."""
    monkeypatch.setattr("flows.labelling.sampling.sweep.CHUNK_S", 0.0)
    calculator = Tied()
    calculator.stop_at = 15
    with pytest.raises(RuntimeError, match="killed"):
        sweep_of(task(), driver(calculator), tmp_path)
    assert sweep_of(task(), driver(calculator), tmp_path).resumed_from_steps == (13,)


def test_a_frame_whose_handing_over_was_stopped_is_handed_over_again(tmp_path):
    handed = []

    def stops_once(structure, *_):
        handed.append(structure)
        if len(handed) == 3:
            raise MachineTrouble("no database")

    with pytest.raises(MachineTrouble):
        sweep_of(task(), driver(), tmp_path, stops_once)
    found = sweep_of(task(), driver(), tmp_path, stops_once)
    assert handed[2] == handed[3]
    assert [*handed[:3], *handed[4:]] == [frame.structure for frame in found.frames]


def test_a_finished_sweep_is_read_not_run(undisturbed, tmp_path):
    sweep_of(task(), driver(), tmp_path)
    calculator = Tied()
    found = sweep_of(task(), driver(calculator), tmp_path, lambda *_: pytest.fail("handed over again"))
    assert same(found, undisturbed)
    assert found.resumed_from_steps == ()
    assert not calculator.asked


@pytest.mark.parametrize(
    "change", [{"digests": ("other",)}, {"versions": {"vasp": "7"}}, {"potential": "vasp dft"}]
)
def test_what_another_driver_left_is_not_continued(change, undisturbed, tmp_path):
    sweep_of(task(), driver(Tied(stiffness=4.0)), tmp_path)
    calculator = Tied()
    assert same(sweep_of(task(), driver(calculator, **change), tmp_path), undisturbed)
    assert len(calculator.asked) == 41


def test_an_explosion_keeps_the_last_good_frame(tmp_path):
    with pytest.raises(CalculationFailed) as caught:
        sweep_of(task(steps=400), driver(Tied(stiffness=-9.0)), tmp_path)
    failure = caught.value.failure
    assert (failure.stage, failure.kind) == ("sample", "exploded")
    assert "K where 100 K were asked for" in failure.message
    assert "of the sweep, at 100 K" in failure.message
    assert [path.name for path in tmp_path.iterdir()] == [LAST_GOOD]


def test_forces_that_are_not_finite_are_handed_to_nobody(tmp_path):
    calculator, handed = Tied(), []
    calculate = calculator.calculate

    def broken(*arguments):
        calculate(*arguments)
        if len(calculator.asked) == 7:  # step 6, which is kept
            calculator.results["forces"][0] = np.nan

    calculator.calculate = broken
    with pytest.raises(CalculationFailed, match="not finite at step 6"):
        sweep_of(task(), driver(calculator), tmp_path, lambda *frame: handed.append(frame))
    assert not handed


def test_a_driver_that_fails_says_where_and_can_go_on(undisturbed, tmp_path):
    calculator = Tied()
    calculator.stop_at = 30
    failure = Failure(stage="label", kind="unconverged", message="60 cycles", run_directory="/scratch/7")
    calculator.error = CalculationFailed(failure)
    with pytest.raises(CalculationFailed) as caught:
        sweep_of(task(), driver(calculator), tmp_path, lambda *_: None)
    assert caught.value.failure == failure.model_copy(
        update={"message": "step 29 of the sweep, at 200 K: 60 cycles"}
    )
    found = sweep_of(task(), driver(calculator), tmp_path, lambda *_: None)
    assert same(found, undisturbed)
    assert found.resumed_from_steps == (26,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperatures_K": (300.0, 100.0)}, "must rise"),
        ({"temperatures_K": (100.0, 100.0)}, "must rise"),
        ({"temperatures_K": ()}, "at least 1 item"),
        ({"steps": 20, "discard": 18, "every": 3}, "keeps no frame: of 20 steps .* lower discard or every"),
        ({"steps": 20, "every": 30}, "keeps no frame"),
        ({"steps": 20, "discard": 30}, "keeps no frame"),
    ],
)
def test_sweeps_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        settings(**changes)


@pytest.mark.parametrize("discard", range(8))
def test_the_number_of_frames_is_what_is_kept(discard):
    asked = SweepSettings(temperatures_K=(1.0, 2.0, 3.0), steps=11, discard=discard, every=3)
    assert asked.frames == sum(map(asked.keeps, range(1, asked.total_steps + 1)))


def test_a_sampling_samples_something():
    with pytest.raises(ValidationError, match="give rattles, a sweep, or both"):
        SamplingSettings()


def test_one_atom_cannot_be_swept():
    lonely = Structure(symbols=("C",), cell=STRUCTURE.cell, positions=((0.0, 0.0, 0.0),))
    with pytest.raises(ValidationError, match="at least two atoms"):
        task().model_validate(task().model_dump() | {"structure": lonely})
