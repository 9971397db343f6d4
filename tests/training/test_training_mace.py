"""Training with MACE in this process: exact, contained, and told apart when it fails."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from training_toys import TINY, crystal, task_of

from flows.failure import CalculationFailed
from flows.training.checkpoints import Checkpoints
from flows.training.datasets import dataset
from flows.training.loss import Objective
from flows.training.outcome import trained_model


def test_the_same_seed_gives_the_same_weights_and_another_does_not(base_model, trained):
    again, other = trained(task_of("dft_ef", "dft")), trained(task_of("dft_ef", "dft", seed=2))

    assert again.weights_sha256 == base_model.weights_sha256
    assert again.predictions_eV == base_model.predictions_eV
    assert other.weights_sha256 != base_model.weights_sha256


def test_the_record_tells_what_was_done(base_model):
    assert (base_model.train_count, base_model.valid_count, base_model.test_count) == (12, 4, 4)
    assert set(base_model.errors) == {"train", "valid", "test"}
    assert len(base_model.predictions_eV) == 20
    assert [record.epoch for record in base_model.learning_curve] == [0, 1, 2, 3]
    best = min(base_model.learning_curve, key=lambda record: record.loss)
    assert base_model.best_epoch == best.epoch
    # the model that is kept is the one that the best epoch validated
    assert base_model.errors["valid"].energy_meV_atom == pytest.approx(best.energy_meV_atom, rel=1e-9)
    assert base_model.errors["valid"].force_meV_A == pytest.approx(best.force_meV_A, rel=1e-9)
    assert base_model.resumed_from_epochs == ()
    assert {"mace-torch", "torch", "python"} <= set(base_model.versions)
    assert base_model.device
    assert base_model.wall_time_s > 0
    assert base_model.settings["r_max"] == TINY.r_max


def test_the_blob_is_a_model_file_for_maces_own_calculator(base_model, tmp_path):
    from mace.calculators import MACECalculator

    path = tmp_path / "any name.model"
    path.write_bytes(base_model.blob.content())
    atoms = crystal(7)
    atoms.calc = MACECalculator(model_paths=str(path), device="cpu", default_dtype="float64")

    assert atoms.get_potential_energy() == pytest.approx(base_model.predictions_eV["structure:7"], abs=1e-10)


def test_nothing_is_left_behind_in_the_process_or_on_disk(trained, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    dtype, random_state = torch.get_default_dtype(), torch.get_rng_state()
    numpy_state = np.random.get_state()[1].copy()

    trained(task_of("dft_e", "dft", max_epochs=1))

    assert (logging.getLogger().handlers, logging.getLogger().level) == (handlers, level)
    assert torch.get_default_dtype() == dtype
    assert torch.equal(torch.get_rng_state(), random_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().out == ""


def test_two_trainings_write_into_their_own_directories_only(labels, tmp_path):
    one, two = Checkpoints(tmp_path / "one"), Checkpoints(tmp_path / "two")
    trained_model(task_of("dft_e", "dft", max_epochs=1), labels, one)
    before = files(tmp_path / "one")
    trained_model(task_of("dft_e", "dft", max_epochs=1, seed=2), labels, two)

    assert files(tmp_path / "one") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_energies_alone_never_ask_for_forces(trained, monkeypatch):
    asked = []
    original = Objective.predict

    def spy(self, model, batch, training):
        out = original(self, model, batch, training)
        asked.append(out["forces"])
        return out

    monkeypatch.setattr(Objective, "predict", spy)
    trained(task_of("dft_e", "dft", max_epochs=1))

    assert asked
    assert all(forces is None for forces in asked)


def test_energies_alone_are_no_function_of_the_force_labels(labels, trained, tmp_path):
    without = {key: label.model_copy(update={"forces_eV_A": None}) for key, label in labels.items()}
    task = task_of("dft_e", "dft", max_epochs=1)

    assert dataset(task, without).train[0].forces_eV_A is None
    blind = trained_model(task, without, Checkpoints(tmp_path / "blind"))
    assert blind.weights_sha256 == trained(task).weights_sha256


def test_a_training_that_diverges_is_a_failure_of_the_calculation(labels, tmp_path):
    absurd = labels_of_scale(labels, 1e200)
    checkpoints = Checkpoints(tmp_path / "diverging")

    with pytest.raises(CalculationFailed, match="not finite in epoch 0") as caught:
        trained_model(task_of("dft_ef", "dft"), absurd, checkpoints)

    assert caught.value.failure.kind == "diverged"
    assert checkpoints.load("anything") is None
    assert torch.get_default_dtype() == torch.float32


def labels_of_scale(labels, scale):
    return {
        key: label.model_copy(
            update={
                "energy_eV": label.energy_eV * scale,
                "forces_eV_A": label.forces_eV_A and [[x * scale for x in row] for row in label.forces_eV_A],
            }
        )
        for key, label in labels.items()
    }


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}
