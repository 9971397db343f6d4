from __future__ import annotations

from collections.abc import Callable

import pytest
from training_toys import base_calculator, correction, labels_of, task_of

from flows.records import Label, TrainedModel
from flows.training.settings import TrainingTask


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _checkpoints_of_this_test(tmp_path, monkeypatch):
    monkeypatch.setenv("LATTICEFARM_CHECKPOINTS", str(tmp_path / "checkpoints"))


@pytest.fixture(scope="session")
def labels() -> dict[str, Label]:
    """`dft` with forces, `hf` that differs from it by `correction()`, `flat` that differs by a constant."""
    dft = labels_of("dft", base_calculator(), forces=True)
    flat = {
        f"flat:{i}": label.model_copy(
            update={
                "key": f"flat:{i}",
                "level": "flat",
                "energy_eV": label.energy_eV + 3.0,
                "forces_eV_A": None,
            }
        )
        for i, label in enumerate(dft.values())
    }
    return dft | flat | labels_of("hf", base_calculator(), correction())


@pytest.fixture(scope="session")
def trained(labels, tmp_path_factory) -> Callable[[TrainingTask], TrainedModel]:
    """Train, from zero, in a directory of its own."""
    from flows.training.checkpoints import Checkpoints
    from flows.training.outcome import trained_model

    def train(task: TrainingTask) -> TrainedModel:
        return trained_model(task, labels, Checkpoints(tmp_path_factory.mktemp("training") / task.key))

    return train


@pytest.fixture(scope="session")
def base_model(trained) -> TrainedModel:
    return trained(task_of("dft_ef", "dft"))


@pytest.fixture(scope="session")
def difference_model(trained) -> TrainedModel:
    return trained(task_of("hf-dft", "hf", "dft", r_max=3.6, max_epochs=2))
