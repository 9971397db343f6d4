"""Training one MACE model in this process: MACE's network, loss, optimizer and averages, and a loop of ours.

MACE's own `run` leaks log handlers, writes where other runs read, needs force gradients for energies, and does
not resume exactly. This loop touches nothing but the directory that it is handed. Order of the batches and
learning rate are functions of seed and epoch, so a training that was killed goes on as if it had not been: on
one CPU thread in float64 its weights are bit-identical to those of an undisturbed one.
"""

from __future__ import annotations

import argparse
import copy
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flows.bulletins import News
from flows.failure import CalculationFailed
from flows.keys import digest
from flows.records import EpochRecord
from flows.training.architecture import batch, batches, best_device, build, default_dtype, elements, graphs
from flows.training.checkpoints import Checkpoints
from flows.training.datasets import Dataset
from flows.training.loss import Objective
from flows.training.settings import TrainingSettings
from flows.versions import versions as installed

PACKAGES = ("mace-torch", "torch", "e3nn", "torch-ema", "ase", "numpy")


@dataclass(frozen=True)
class Fit:
    """A trained model (averaged weights of the best epoch, on the CPU) and how it came about."""

    model: Any
    learning_curve: tuple[EpochRecord, ...]
    best_epoch: int
    resumed_from_epochs: tuple[int, ...]
    device: str
    wall_time_s: float
    ignored_checkpoints: tuple[str, ...] = ()


def fit(dataset: Dataset, settings: TrainingSettings, seed: int, checkpoints: Checkpoints) -> Fit:
    """Train on `dataset`, going on from the newest of `checkpoints`, with one written after every epoch.

    Raises:
        CalculationFailed: `diverged`: a loss or a gradient is not finite.
        MachineTrouble: a checkpoint cannot be written.
    """
    with default_dtype(settings.dtype):
        training = _Training(dataset, settings, seed)
        training.restore(checkpoints.load(training.belongs_to))
        try:
            while training.epoch < settings.max_epochs:
                training.run_epoch()
                checkpoints.save(training.epoch, training.state())
                checkpoints.shelf.tell(training.news())
        except CalculationFailed:
            checkpoints.clear()
            raise
        return replace(training.finish(), ignored_checkpoints=tuple(checkpoints.ignored))


def versions() -> dict[str, str]:
    """Of the packages that decide a model's numbers."""
    return installed(PACKAGES)


class _Training:
    """The state of a training between two epochs, and the step from one to the next."""

    def __init__(self, dataset: Dataset, settings: TrainingSettings, seed: int) -> None:
        import torch
        from torch_ema import ExponentialMovingAverage

        self.settings, self.seed, self.device = settings, seed, best_device()
        self.belongs_to = _belonging(dataset, settings, seed)
        self.objective = Objective.of(settings, dataset)
        numbers = elements(dataset.frames())
        self.graphs = graphs(dataset.train, numbers, settings.r_max)
        self.validation = batches(graphs(dataset.valid, numbers, settings.r_max), settings.valid_batch_size)
        self.model = build(dataset, settings, self.graphs, seed).to(self.device)
        self.averaged = copy.deepcopy(self.model).requires_grad_(False)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.Adam(**_parameter_groups(self.model, settings))
        self.ema = ExponentialMovingAverage(self.parameters, decay=settings.ema_decay)
        self.curve: list[EpochRecord] = []
        self.best_weights: dict[str, Any] = {}
        self.resumed_from: list[int] = []
        self.spent_s, self.started = 0.0, time.monotonic()

    @property
    def epoch(self) -> int:
        """Epochs done, and so the number of the next."""
        return len(self.curve)

    @property
    def best_epoch(self) -> int:
        return min(self.curve, key=lambda record: record.loss).epoch

    def run_epoch(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * self.settings.gamma**self.epoch
        for chosen in _batch_indices(len(self.graphs), self.settings.batch_size, self.seed, self.epoch):
            self._step(batch([self.graphs[i] for i in chosen]).to(self.device))
        _copy_weights(self.ema.shadow_params, self.averaged)
        self.curve.append(self._validate())
        if self.best_epoch == self.curve[-1].epoch:
            self.best_weights = _weights(self.averaged)

    def _step(self, data: Any) -> None:
        import torch

        self.optimizer.zero_grad(set_to_none=True)
        loss = self.objective(self.objective.predict(self.model, data, training=True), data)
        # only to the weights: MACE asks for gradients of positions, which energies alone do not need
        loss.backward(inputs=self.parameters)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.settings.max_grad_norm)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            raise self._diverged(float(loss.detach()))
        self.optimizer.step()
        self.ema.update()

    def _validate(self) -> EpochRecord:
        """Errors of the averaged weights on the validation set; the loss is the mean over structures."""
        import torch

        loss = energy = force = 0.0
        structures = atoms = 0
        for data in self.validation:
            data = data.to(self.device)
            with torch.set_grad_enabled(self.objective.forces):
                predicted = self.objective.predict(self.averaged, data, training=False)
            sizes = data.ptr[1:] - data.ptr[:-1]
            loss += float(self.objective(predicted, data).detach()) * len(sizes)
            energy += float((((predicted["energy"].detach() - data.energy) / sizes) ** 2).sum())
            if self.objective.forces:
                force += float(((predicted["forces"].detach() - data.forces) ** 2).sum())
            structures, atoms = structures + len(sizes), atoms + int(sizes.sum())
        if not math.isfinite(loss):
            raise self._diverged(loss)
        return EpochRecord(
            epoch=self.epoch,
            loss=loss / structures,
            energy_meV_atom=1e3 * math.sqrt(energy / structures),
            force_meV_A=1e3 * math.sqrt(force / (3 * atoms)) if self.objective.forces else None,
        )

    def _diverged(self, loss: float) -> CalculationFailed:
        return CalculationFailed.of(
            "train",
            "diverged",
            f"loss {loss} or its gradient is not finite in epoch {self.epoch} (seed {self.seed})",
            "lower learning_rate, or look for outliers among the labels",
        )

    def state(self) -> dict[str, Any]:
        return {
            "belongs_to": self.belongs_to,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict(),
            "best": self.best_weights,
            "curve": [record.model_dump(mode="json") for record in self.curve],
            "resumed_from": self.resumed_from,
            "spent_s": self.spent_s + time.monotonic() - self.started,
        }

    def news(self) -> News:
        """The learning curve so far: validation errors by epoch."""
        names = ("epoch", "loss", "energy_meV_atom", *(("force_meV_A",) if self.objective.forces else ()))
        series = {name: [getattr(one, name) for one in self.curve] for name in names}
        return News("epoch", self.epoch, self.settings.max_epochs, series)

    def restore(self, state: dict[str, Any] | None) -> None:
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema.load_state_dict(state["ema"])
        self.best_weights = state["best"]
        self.curve = [EpochRecord.model_validate(record) for record in state["curve"]]
        self.resumed_from = [*state["resumed_from"], self.epoch]
        self.spent_s = state["spent_s"]

    def finish(self) -> Fit:
        self.averaged.load_state_dict(self.best_weights)
        return Fit(
            model=self.averaged.cpu(),
            learning_curve=tuple(self.curve),
            best_epoch=self.best_epoch,
            resumed_from_epochs=tuple(self.resumed_from),
            device=_device_name(self.device),
            wall_time_s=self.spent_s + time.monotonic() - self.started,
        )


def _belonging(dataset: Dataset, settings: TrainingSettings, seed: int) -> str:
    """A checkpoint continues only the training that wrote it, with the packages that wrote it."""
    return digest(
        "checkpoint",
        1,
        model=str(dataset.model),
        settings=settings.identity(),
        seed=seed,
        frames={name: [f.structure_key for f in frames] for name, frames in dataset.splits().items()},
        versions=versions(),
    )


def _batch_indices(count: int, size: int, seed: int, epoch: int) -> Iterator[list[int]]:
    """Full batches of a shuffle that seed and epoch decide; what is left over waits, as in MACE."""
    order = list(range(count))
    random.Random(digest("shuffle", 1, seed=seed, epoch=epoch)).shuffle(order)
    size = min(size, count)
    for start in range(0, count - size + 1, size):
        yield order[start : start + size]


def _parameter_groups(model: Any, settings: TrainingSettings) -> dict[str, Any]:
    """MACE's groups: weight decay on the linear weights of interactions and products only."""
    from mace.tools.scripts_utils import get_params_options

    return get_params_options(
        argparse.Namespace(
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            amsgrad=True,
            beta=0.9,
            freeze=None,
            lr_params_factors="{}",
        ),
        model,
    )


def _weights(model: Any) -> dict[str, Any]:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


def _copy_weights(values: Sequence[Any], model: Any) -> None:
    for parameter, value in zip(model.parameters(), values, strict=True):
        parameter.data.copy_(value.data)


def _device_name(device: str) -> str:
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else device
