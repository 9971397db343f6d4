"""What a trained model says about its structures, and how far that is from the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flows.records import Errors
from flows.training.architecture import batch, default_dtype, graphs
from flows.training.datasets import Frame


@dataclass(frozen=True)
class Prediction:
    """Of one structure: energy in eV per cell, forces (N, 3) in eV/Å."""

    energy_eV: float
    forces_eV_A: np.ndarray


def predict(model: Any, frames: Sequence[Frame], batch_size: int, device: str) -> dict[str, Prediction]:
    """Predictions by structure key, in the dtype of the model."""
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    model = model.to(device)
    predictions: list[Prediction] = []
    with default_dtype(dtype):
        numbers = [int(z) for z in model.atomic_numbers]
        for start in range(0, len(frames), batch_size):  # not all at once: graphs are large
            some = graphs(frames[start : start + batch_size], numbers, float(model.r_max))
            predictions.extend(_predict_batch(model, batch(some).to(device)))
    model.cpu()
    return dict(zip([frame.structure_key for frame in frames], predictions, strict=True))


def errors(frames: Sequence[Frame], predictions: Mapping[str, Prediction]) -> Errors:
    """RMSE of the energy per atom; of the force components, over the frames that have forces."""
    predicted = [predictions[frame.structure_key] for frame in frames]
    energy = [(p.energy_eV - f.energy_eV) / f.atoms for f, p in zip(frames, predicted, strict=True)]
    force = [
        p.forces_eV_A - f.forces_eV_A
        for f, p in zip(frames, predicted, strict=True)
        if f.forces_eV_A is not None
    ]
    return Errors(
        count=len(frames),
        energy_meV_atom=1e3 * rms(energy),
        force_meV_A=1e3 * rms(np.concatenate(force)) if force else None,
    )


def rms_force_eV_A(forces: Sequence[np.ndarray]) -> float:
    """Root mean square of the force components over structures."""
    return rms(np.concatenate(list(forces)))


def rms(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _predict_batch(model: Any, data: Any) -> list[Prediction]:
    out = model(data.to_dict(), training=False, compute_force=True)
    energies = out["energy"].detach().cpu().numpy().astype(float)
    forces = np.split(out["forces"].detach().cpu().numpy().astype(float), data.ptr[1:-1].cpu().numpy())
    return [Prediction(float(e), f) for e, f in zip(energies, forces, strict=True)]
