from __future__ import annotations

import math

import numpy as np
import pytest
from training_toys import task_of

from flows.failure import CalculationFailed
from flows.training.datasets import dataset, label_keys


def test_energies_and_forces(labels):
    made = dataset(task_of("dft_ef", "dft"), labels)

    assert [len(frames) for frames in made.splits().values()] == [12, 4, 4]
    assert made.train[3].energy_eV == labels["dft:3"].energy_eV
    assert np.array_equal(made.train[3].forces_eV_A, labels["dft:3"].forces_eV_A)


def test_a_difference_has_no_forces_and_remembers_the_base(labels):
    frame = dataset(task_of("hf-dft", "hf", "dft"), labels).test[0]

    assert frame.energy_eV == labels["hf:16"].energy_eV - labels["dft:16"].energy_eV
    assert frame.base_energy_eV == labels["dft:16"].energy_eV
    assert frame.forces_eV_A is None


def test_every_label_is_read_once():
    task = task_of("hf-dft", "hf", "dft", counts=(2, 1, 0))

    assert label_keys(task) == ["hf:0", "dft:0", "hf:1", "dft:1", "hf:2", "dft:2"]


@pytest.mark.parametrize("energy", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused(labels, energy):
    broken = labels | {"dft:2": labels["dft:2"].model_copy(update={"energy_eV": energy})}

    refused(task_of("dft_e", "dft"), broken, "not finite")


def test_forces_that_are_not_finite_are_refused(labels):
    forces = [(math.nan, 0.0, 0.0), *labels["dft:2"].forces_eV_A[1:]]
    broken = labels | {"dft:2": labels["dft:2"].model_copy(update={"forces_eV_A": forces})}

    refused(task_of("dft_ef", "dft"), broken, "not finite")


def test_a_pair_on_two_structures_is_refused(labels):
    shifted = labels | {"hf:2": labels["hf:2"].model_copy(update={"structure_key": "structure:3"})}

    refused(task_of("hf-dft", "hf", "dft"), shifted, "two structures")


def test_missing_forces_are_refused(labels):
    refused(task_of("hf_ef", "hf"), labels, "needs forces")


def test_labels_of_another_level_are_refused(labels):
    refused(task_of("mp2_e", "hf"), labels, "needs labels of")


def test_a_structure_in_two_splits_is_refused(labels):
    task = task_of("dft_e", "dft")
    refused(task.model_copy(update={"valid": task.train[:1]}), labels, "twice")


def test_nothing_to_validate_on_is_refused(labels):
    refused(task_of("dft_e", "dft", counts=(5, 0, 0)), labels, "0 to validate on")


def refused(task, labels, message):
    with pytest.raises(CalculationFailed, match=message) as caught:
        dataset(task, labels)
    assert caught.value.failure.kind == "bad-input"
