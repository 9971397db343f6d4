"""From a task and its labels to the record of the trained model; from two models to the record of their sum."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

from flows.records import Blob, Errors, Label, SummedModel, TrainedModel
from flows.training.architecture import best_device
from flows.training.checkpoints import Checkpoints
from flows.training.datasets import Dataset, bad_input, combined, dataset
from flows.training.evaluate import Prediction, errors, predict, rms
from flows.training.mace import Fit, fit, versions
from flows.training.settings import SummingTask, TrainingTask
from flows.training.sums import summed_energy_eV
from flows.training.verdict import (
    Verdict,
    baselines,
    judge_difference,
    judge_level,
    of_parts,
    rms_delta_force,
    straight_line,
)


def trained_model(task: TrainingTask, labels: Mapping[str, Label], checkpoints: Checkpoints) -> TrainedModel:
    """Train what `task` asks for and judge it.

    Raises:
        CalculationFailed: `bad-input` or `diverged`.
        MachineTrouble: a checkpoint cannot be written.
    """
    data = dataset(task, labels)
    result = fit(data, task.settings, task.seed, checkpoints)
    predictions = predict(result.model, list(data.frames()), task.settings.valid_batch_size, best_device())
    return TrainedModel(
        **_identity(task, data),
        **_judged(data, predictions),
        **_made(result),
        predictions_eV={key: prediction.energy_eV for key, prediction in predictions.items()},
        settings=task.settings.model_dump(mode="json"),
    )


def summed_model(
    task: SummingTask, parts: Sequence[TrainedModel], labels: Mapping[str, Label]
) -> SummedModel:
    """Errors of base + differences against the upper level, or the composite that it stands for, from the predictions that
    the records hold.

    Raises:
        CalculationFailed: `bad-input`: a structure that one of them has no prediction for.
    """
    found = {
        split: _sum_errors(_targets(task, split, labels), parts, split)
        for split, keys in task.labels.items()
        if keys
    }
    return SummedModel(
        key=task.key,
        system=task.system,
        model=task.model,
        seed=task.seed,
        size=task.size,
        base_key=task.base_key,
        difference_key=task.difference_key,
        between_keys=task.between_keys,
        errors=found,
        **of_parts(parts),
    )


def _identity(task: TrainingTask, data: Dataset) -> dict[str, Any]:
    return {
        **{name: getattr(task, name) for name in ("key", "system", "model", "seed", "size")},
        "train_count": len(data.train),
        "valid_count": len(data.valid),
        "test_count": len(data.test),
        "atoms": data.train[0].atoms,
    }


def _judged(data: Dataset, predictions: Mapping[str, Prediction]) -> dict[str, Any]:
    found = {split: errors(frames, predictions) for split, frames in data.splits().items()}
    if data.model.kind != "difference":
        return {"errors": found, **_verdict(judge_level(data, found))}
    lines, force = baselines(data), rms_delta_force(predictions)
    return {
        "errors": found,
        "baselines": lines,
        "line_slope": straight_line(data).slope,
        "rms_delta_force_meV_A": force,
        **_verdict(judge_difference(found, lines, force)),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {"learned": verdict.learned, "verdict": verdict.reason}


def _made(result: Fit) -> dict[str, Any]:
    return {
        "learning_curve": result.learning_curve,
        "best_epoch": result.best_epoch,
        "resumed_from_epochs": result.resumed_from_epochs,
        "ignored_checkpoints": result.ignored_checkpoints,
        "versions": versions(),
        "device": result.device,
        "wall_time_s": result.wall_time_s,
        "weights_sha256": _weights_sha256(result.model),
        "blob": Blob.of(_model_file(result.model)),
    }


def _model_file(model: Any) -> bytes:
    """What MACE calls a `.model` file: `MACECalculator` loads it, on any device."""
    import torch

    buffer = io.BytesIO()
    torch.save(model.cpu(), buffer)
    return buffer.getvalue()


def _weights_sha256(model: Any) -> str:
    """Of names and values: the bytes of a model file carry counters of the process that wrote it."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def _targets(task: SummingTask, split: str, labels: Mapping[str, Label]) -> list[Label]:
    """What the sum is to give: labels of the upper level, or composites of it and those beside."""
    keys = task.labels[split]
    beside = task.beside.get(split) or ((),) * len(keys)
    found = []
    for key, others in zip(keys, beside, strict=True):
        every = [labels[key], *(labels[other] for other in others)]
        if len({one.structure_key for one in every}) != 1:
            raise bad_input(f"{task.model}: labels {' and '.join(one.key for one in every)} are of several structures")
        found.append(combined(every))
    return found


def _sum_errors(labels: list[Label], parts: Sequence[TrainedModel], split: str) -> Errors:
    per_atom = []
    for label in labels:
        key = label.structure_key
        if any(key not in one.predictions_eV for one in parts):
            raise bad_input(f"{' or '.join(one.model for one in parts)} has no prediction for structure {key}")
        predicted = summed_energy_eV(key, parts, one_out=split == "valid")
        per_atom.append((predicted - label.energy_eV) / len(label.structure.symbols))
    return Errors(count=len(labels), energy_meV_atom=1e3 * rms(per_atom))
