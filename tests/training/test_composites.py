"""Differences that are added to what another engine labelled, and chains of several differences."""

from __future__ import annotations

import numpy as np
import pytest
from lattice_toys import TRAINING, base_calculator, supercell_of, toy
from training_toys import task_of

from flows.failure import CalculationFailed
from flows.records import TrainedModel
from flows.training.datasets import combined, dataset
from flows.training.force_constants.model import ForceConstants
from flows.training.force_constants.outcome import fitted_model
from flows.training.outcome import summed_model
from flows.training.potentials import Sum, with_force_constants
from flows.training.settings import SummingTask
from flows.training.sums import summed_energy_eV
from flows.training.terms import Foreign


@pytest.fixture(scope="module")
def crystal():
    return toy("rocksalt", 24)


def composite_labels(crystal):
    """`ccsd(t)` and `pbe`, whose difference is the one of `hf` and `dft`, upon an energy that has nothing to do with the base."""
    known = crystal.labels(forces=True)
    strange = np.random.default_rng(3).normal(size=len(crystal.frames))
    found = dict(known)
    for number, energy in enumerate(strange):
        upper, base = known[f"hf{number}"], known[f"dft{number}"]
        # as an engine names them: another level of the campaign, the same method
        found[f"pbe{number}"] = base.model_copy(update={"key": f"pbe{number}", "energy_eV": float(energy), "forces_eV_A": None})
        above = float(energy) + upper.energy_eV - base.energy_eV
        found[f"cc{number}"] = upper.model_copy(update={"key": f"cc{number}", "level": "ccsd(t)", "energy_eV": above, "forces_eV_A": None})
    return found


def composite_task(crystal, **more):
    count = len(crystal.frames)
    rows = [(f"cc{i}", f"pbe{i}", f"dft{i}") for i in range(count)]
    update = {"model": "ccsd(t)-dft_gamma_fc", "train": tuple(rows[: count - 4]), "test": tuple(rows[count - 4 :])}
    return crystal.task(range(count)).model_copy(update={**update, "labelled_as": ("ccsd(t)", "dft", "dft"), **more})


def test_a_composite_by_force_constants_is_the_difference_upon_its_base(crystal):
    labels = composite_labels(crystal)
    fitted = fitted_model(composite_task(crystal), labels)
    found = ForceConstants.of_file(fitted.blob.content())
    assert found.slope == pytest.approx(crystal.truth.slope, abs=1e-6)
    atoms = supercell_of(crystal.primitive, TRAINING["rocksalt"])
    forces = [with_force_constants(base_calculator(), [one]).evaluate(atoms).forces for one in (crystal.truth, found)]
    assert np.abs(forces[0] - forces[1]).max() < 1e-5
    assert fitted.errors["test"].energy_meV_atom < 1e-3


def test_its_labels_are_those_that_were_asked_for(crystal):
    labels = composite_labels(crystal)
    with pytest.raises(CalculationFailed, match=r"needs labels of \('ccsd\(t\)', 'dft_gamma'\)"):
        fitted_model(composite_task(crystal, labelled_as=()), labels)
    other = {**labels, "pbe0": labels["pbe0"].model_copy(update={"structure_key": "s1"})}
    with pytest.raises(CalculationFailed, match="two structures"):
        fitted_model(composite_task(crystal), other)


def test_a_composite_by_mace_has_the_energies_of_its_base(labels):
    pairs = task_of("hf-dft", "hf", "dft")
    rows = {part: tuple((*row, f"base:{row[1].partition(':')[2]}") for row in getattr(pairs, part)) for part in ("train", "valid", "test")}
    lower = {key.replace("dft:", "base:"): one.model_copy(update={"energy_eV": 7.0 + one.energy_eV}) for key, one in labels.items() if key.startswith("dft:")}
    made = dataset(pairs.model_copy(update={**rows, "labelled_as": ("hf", "dft", "dft")}), {**labels, **lower})
    plain = dataset(pairs, labels)
    for one, other in zip(made.frames(), plain.frames(), strict=True):
        assert one.energy_eV == other.energy_eV
        assert one.base_energy_eV == other.base_energy_eV + 7.0


def test_labels_are_combined_with_their_forces(labels):
    one, two = labels["dft:0"], labels["dft:0"].model_copy(update={"energy_eV": 1.5})
    found = combined([one, two, one])
    assert found.energy_eV == pytest.approx(2 * one.energy_eV - 1.5)
    assert found.forces_eV_A == pytest.approx(np.array(one.forces_eV_A))
    assert combined([one, labels["hf:0"]]).forces_eV_A is None
    assert combined([one]) is one


def parts(crystal) -> list[TrainedModel]:
    """A base that is right, and two differences by force constants upon it, one upon the other."""
    labels = crystal.labels()
    first = fitted_model(crystal.task(range(len(crystal.frames))), labels)
    update = {"force_constants": None, "predictions_eV": {one.structure_key: one.energy_eV for key, one in labels.items() if key.startswith("dft")}}
    base = first.model_copy(update={"key": "base", "model": "dft_ef", **update})
    return [base, first, first.model_copy(update={"key": "second", "model": "mp2-hf_fc"})]


def test_force_constants_take_a_multiple_of_all_that_is_below_them(crystal):
    base, first, second = parts(crystal)
    slope, fit = first.force_constants.slope, first.force_constants.without_base_eV
    for key, energy in base.predictions_eV.items():
        below = (1 + slope) * energy + fit[key]
        assert summed_energy_eV(key, [base, first]) == below
        assert summed_energy_eV(key, [base, first, second]) == (1 + slope) * below + fit[key]
    lattice = ForceConstants.of_file(first.blob.content())
    atoms = supercell_of(crystal.primitive, TRAINING["rocksalt"])
    once = with_force_constants(Sum([Foreign(base_calculator())]), [lattice])
    alone = with_force_constants(base_calculator(), [lattice]).evaluate(atoms)
    nothing = base_calculator().get_potential_energy(atoms)
    twice = with_force_constants(once, [lattice]).evaluate(atoms).energy
    assert twice == pytest.approx((1 + slope) * alone.energy + alone.energy - (1 + slope) * nothing)


def test_a_sum_is_judged_by_the_composite_that_it_stands_for(crystal):
    labels, (base, first, _) = composite_labels(crystal), parts(crystal)
    keys = tuple(f"cc{i}" for i in range(6))
    beside = {"train": tuple((f"pbe{i}", f"dft{i}") for i in range(6))}
    about = {"key": "sum", "system": "toy", "model": "delta_ccsd(t)_fc", "seed": 1, "size": "full", "base_key": "base", "difference_key": "first"}
    task = SummingTask.model_validate({**about, "labels": {"train": keys}, "beside": beside})
    assert SummingTask.model_validate_json(task.model_dump_json()) == task
    assert summed_model(task, (base, first), labels).errors["train"].energy_meV_atom < 1e-3
    alone = summed_model(task.model_copy(update={"beside": {}}), (base, first), labels)
    assert alone.errors["train"].energy_meV_atom > 10
    wrong = task.model_copy(update={"beside": {"train": (*beside["train"][1:], beside["train"][0])}})
    with pytest.raises(CalculationFailed, match="of several structures"):
        summed_model(wrong, (base, first), labels)
