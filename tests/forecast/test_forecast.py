"""Forecasts: what is predicted of errors is what fits to labels with that noise have."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from lattice_toys import Toy, toy

from flows.failure import CalculationFailed
from flows.forecast.crystal import BaseCrystal, rms_apart_cm1, usual_cutoffs
from flows.forecast.learning import FIRST
from flows.forecast.outcome import forecast_of
from flows.forecast.prediction import Expectation, counts_to
from flows.forecast.settings import ForecastTask
from flows.phonons.harmonic import calculator_forces, harmonic_crystal
from flows.phonons.settings import PhononSettings
from flows.records import Structure
from flows.training.force_constants.basis import symmetric_cell, symmetry_basis
from flows.training.force_constants.choice import Tried
from flows.training.force_constants.fit import Noise, _Solved, fitted, posterior
from flows.training.force_constants.frames import Frames
from flows.training.force_constants.model import ForceConstants
from flows.training.force_constants.renormalization import with_change
from flows.training.force_constants.settings import ForceConstantSettings

NOISE_MEV_ATOM = 0.5
CUTOFF_A = 2.5
ONE = ForceConstantSettings(cutoffs_A=(CUTOFF_A,), orders=(2,))


@pytest.fixture(scope="module")
def rocksalt() -> Toy:
    """Its difference has pairs alone, up to a cutoff."""
    return toy("rocksalt", 60, cutoffs_A={2: CUTOFF_A})


def pool(crystal: Toy) -> Frames:
    labels = crystal.labels(forces=True)
    return Frames.of(crystal.primitive, ((labels[f"dft{one}"],) * 2 for one in range(len(crystal.frames))))


def task(crystal: Toy, labelled: int, **about: object) -> ForecastTask:
    count = len(crystal.frames)
    return ForecastTask.model_validate(
        {
            "key": "forecast",
            "system": "toy",
            "model": "hf-dft_fc",
            "primitive": Structure.from_atoms(crystal.primitive),
            "settings": ONE,
            "pool": tuple(f"dft{one}" for one in range(count)),
            "labelled": tuple((f"hf{one}", f"dft{one}") for one in range(labelled)),
            **about,
        }
    )


def labels_of(crystal: Toy, noise_meV_atom: float = NOISE_MEV_ATOM):
    """The base has forces, the upper level has none, as coupled cluster."""
    noise_eV = 1e-3 * noise_meV_atom * len(crystal.sites)
    labels = crystal.labels(forces=True, noise_eV=noise_eV)
    return {key: one.model_copy(update={"forces_eV_A": None}) if key.startswith("hf") else one for key, one in labels.items()}


def test_the_base_has_the_modes_that_phonopy_finds(rocksalt: Toy) -> None:
    """Of a base that is harmonic: force constants of the toy itself, put in as forces."""
    from ase.calculators.calculator import Calculator

    truth = replace(rocksalt.truth, constant_eV=0.0)
    frames = pool(rocksalt)
    forces = np.array([sum(one.forces(u, frames.sites)[:, :, 0] for one in truth.interactions) for u in frames.u])
    energies = truth.energies(frames.u, frames.sites)
    crystal = BaseCrystal.of(replace(frames, base_eV=energies, base_forces=forces))
    nothing = tuple(one.weighted(np.zeros(one.count)) for one in crystal.basis.orders)
    model = ForceConstants(rocksalt.primitive, 0.0, 0.0, nothing, ())

    class Harmonic(Calculator):
        implemented_properties = ("energy", "forces")

        def calculate(self, atoms=None, properties=("forces",), system_changes=()) -> None:
            super().calculate(atoms, properties, system_changes)
            from flows.training.force_constants.supercell import Supercell

            energy, forces = Supercell.of(truth, self.atoms).evaluate(self.atoms)
            self.results |= {"energy": energy, "forces": forces}

    made = harmonic_crystal(rocksalt.primitive, crystal.cell.matrix, calculator_forces(Harmonic()), PhononSettings().displacement_A, None)
    for q, mine in zip(crystal.qpoints, crystal.modes(model), strict=True):
        found = made.frequencies_cm1(q[None])[0]
        assert np.allclose(np.sort(mine.frequencies), found, atol=0.5), q


@pytest.mark.parametrize("forces", [False, True])
def test_the_gradient_of_the_evidence_is_its_slope(rocksalt: Toy, forces: bool) -> None:
    frames = rocksalt.data(forces=forces, noise_eV=0.01).of_some(range(30))
    seen = frames.observations(symmetry_basis(symmetric_cell(rocksalt.primitive, frames.sites), {2: 3.2, 3: 2.1}), True)
    logs = np.log([0.01, 0.003, 0.02, 1.0, 3.0])

    def noise(at: np.ndarray) -> Noise:
        sigma, kappa, of_forces, *priors = np.exp(at)
        return Noise(sigma, kappa, of_forces, tuple(priors))

    def evidence(at: np.ndarray) -> float:
        return _Solved.of(seen, noise(at)).log_evidence

    slope = [(evidence(logs + step) - evidence(logs - step)) / 2e-5 for step in 1e-5 * np.eye(5)]
    assert _Solved.of(seen, noise(logs)).gradient(seen, noise(logs)) == pytest.approx(slope, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("count", [20, 40])
def test_what_is_predicted_is_what_fits_to_noisy_labels_miss(rocksalt: Toy, count: int) -> None:
    """Fits of the same force constants to labels that are exact but for noise, drawn again and again."""
    frames = pool(rocksalt)
    crystal = BaseCrystal.of(frames)
    noise_eV = 1e-3 * NOISE_MEV_ATOM * len(frames.sites)
    before = Expectation.before(crystal, noise_eV, with_base=True)
    (predicted,) = before.ahead(frames, [count])

    some = replace(frames.of_some(range(count)), with_forces=False)
    u, base = some.u, some.base_eV
    exact = rocksalt.truth.slope * base + rocksalt.truth.energies(u, some.sites)
    truth = crystal.frequencies_cm1(_with(rocksalt))
    rng = np.random.default_rng(0)
    missed = []
    for _ in range(40):
        labelled = replace(some, difference_eV=exact + noise_eV * rng.normal(size=count))
        seen = with_change(labelled, before.basis, labelled.observations(before.basis, True))
        mean = posterior(seen, before.noise).mean
        pairs = before.basis.orders[0]
        model = ForceConstants(rocksalt.primitive, 0.0, mean[1], (pairs.weighted(mean[2 : 2 + pairs.count]),), ())
        missed.append(rms_apart_cm1(crystal.frequencies_cm1(model), truth))
    assert np.sqrt(np.mean(np.square(missed))) == pytest.approx(predicted.modes_cm1, rel=0.25)


def _with(known: Toy) -> ForceConstants:
    return ForceConstants(known.primitive, 0.0, known.truth.slope, known.truth.interactions[:1], ())


def test_the_error_after_some_labels_foretells_that_after_more(rocksalt: Toy) -> None:
    labels = labels_of(rocksalt)
    early, late = (forecast_of(task(rocksalt, count), labels) for count in (20, 60))
    assert not early.assumed
    assert early.noise_meV_atom == pytest.approx(NOISE_MEV_ATOM, rel=0.5)
    assert late.noise_meV_atom == pytest.approx(NOISE_MEV_ATOM, rel=0.3)
    foretold = next(one for one in early.ahead if one.count == 60)
    assert foretold.modes_cm1 / early.noise_meV_atom == pytest.approx(late.reached.modes_cm1 / late.noise_meV_atom, rel=0.3)
    assert late.ahead == ()
    assert [one.count for one in early.ahead] == sorted({one.count for one in early.ahead})
    assert early.ahead[0].count == 21


def test_errors_fall_as_labels_come(rocksalt: Toy) -> None:
    found = forecast_of(task(rocksalt, 60), labels_of(rocksalt))
    chosen = [one for one in found.behind if one.draw == "chosen"]
    assert chosen[0].count == max(found.least, FIRST)
    assert chosen[-1].apart_cm1 < chosen[0].apart_cm1
    assert chosen[-1].left_meV_atom == pytest.approx(NOISE_MEV_ATOM, rel=0.5)
    assert {one.draw for one in found.behind} == {"chosen", "random"}


def test_before_any_label_the_noise_is_assumed(rocksalt: Toy) -> None:
    labels = labels_of(rocksalt)
    found = forecast_of(task(rocksalt, 0), {key: one for key, one in labels.items() if key.startswith("dft")})
    assert found.assumed
    assert found.reached is None
    assert found.noise_meV_atom == 0.2
    assert (found.ahead[0].count, found.ahead[-1].count) == (found.least, 60)
    errors = [one.modes_cm1 for one in found.ahead]
    assert errors == sorted(errors, reverse=True)
    twice = forecast_of(task(rocksalt, 0, noise_meV_atom=0.4), labels)
    assert twice.ahead[-1].modes_cm1 == pytest.approx(2 * errors[-1], rel=0.2)


def test_with_too_few_labels_it_says_how_many_are_needed(rocksalt: Toy) -> None:
    found = forecast_of(task(rocksalt, 3), labels_of(rocksalt))
    assert found.reached is None
    assert found.assumed
    assert found.labelled == 3
    assert found.least > 3


def test_an_order_of_choice_is_that_of_the_campaign(rocksalt: Toy) -> None:
    """Published labels come in the order of their files; what would have been enough is told in that of a choice."""
    labels = labels_of(rocksalt)
    given, chosen = (forecast_of(task(rocksalt, 60, draw=how), labels) for how in ("given", "informative"))
    assert given.reached.modes_cm1 == pytest.approx(chosen.reached.modes_cm1, rel=1e-3)
    first = [next(one for one in found.behind if one.draw == "chosen") for found in (given, chosen)]
    assert first[0] != first[1]


def test_a_base_without_forces_is_refused(rocksalt: Toy) -> None:
    labels = {key: one.model_copy(update={"forces_eV_A": None}) for key, one in labels_of(rocksalt).items()}
    with pytest.raises(CalculationFailed, match="no forces"):
        forecast_of(task(rocksalt, 0), labels)


def test_counts_grow_by_a_tenth_and_reach_the_end() -> None:
    assert counts_to(14, 5) == [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    assert counts_to(5, 5) == [5]
    assert counts_to(4, 5) == []
    counts = counts_to(300, 12)
    assert counts[-1] == 300
    assert all(1 <= later - one <= max(1, 0.1 * one + 0.5) for one, later in pairwise(counts))


def test_the_scale_of_a_prediction_is_that_of_the_fit(rocksalt: Toy) -> None:
    """At what is labelled already, the prediction is what the fit says of itself."""
    frames = rocksalt.data(noise_eV=1e-3 * NOISE_MEV_ATOM * len(rocksalt.sites))
    crystal = BaseCrystal.of(pool(rocksalt))
    basis = symmetry_basis(crystal.cell, usual_cutoffs(crystal.cell))
    seen = frames.observations(basis, True)
    tried = Tried(basis, seen, fitted(seen))
    from flows.training.force_constants.choice import Choice
    from flows.training.force_constants.difference import fitted_difference

    model = fitted_difference(frames, Choice((tried,), (True,), 0))
    after = Expectation.after(crystal, model, tried, frames, with_base=True)
    assert after.scale == pytest.approx(1.0, rel=1e-6)
    assert after.reach(frames).modes_cm1 == pytest.approx(crystal.reach(model, 60).modes_cm1, rel=1e-6)


@pytest.mark.parametrize("noise_eV", [1e-12, 1e-15])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_without_noise_nothing_is_predicted_where_numbers_end(rocksalt: Toy, noise_eV: float) -> None:
    """The normal equations of few structures have no digit left: no error is known, and the others still are."""
    frames = pool(rocksalt)
    found = list(Expectation.before(BaseCrystal.of(frames), noise_eV, with_base=True).ahead(frames, (12, 30, 60)))
    assert [one.count for one in found][-2:] == [30, 60]
    assert all(0 <= one.modes_cm1 < 1e-3 for one in found[-2:])
    assert all(np.isfinite(one.modes_cm1) for one in found)
