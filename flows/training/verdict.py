"""Has a model learned? A small RMSE alone does not say so: a constant reaches a small one for many differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from flows.records import Baseline, Errors
from flows.training.datasets import Dataset, Frame
from flows.training.evaluate import Prediction, rms, rms_force_eV_A

NO_FORCE_MEV_A = 1.0
"""A difference whose RMS force component is below this adds nothing to its base."""

UNFIT_FORCE_FRACTION = 0.1
"""A model whose force RMSE exceeds this fraction of the RMS force is unfit: frequencies follow force constants with
a power of one half, and 5 % of them is what the levels of theory differ by."""


@dataclass(frozen=True)
class Verdict:
    learned: bool
    reason: str


def baselines(dataset: Dataset) -> tuple[Baseline, ...]:
    """RMSE per atom, in each split, of a constant and of a straight line in E_base, fitted to train and valid."""
    x, y = _per_atom(dataset.train + dataset.valid)
    constant = float(np.mean(y))
    # a base that does not vary leaves no line to fit
    slope = float(np.cov(x, y, bias=True)[0, 1] / np.var(x)) if np.var(x) > 1e-24 else 0.0
    found = []
    for split, frames in dataset.splits().items():
        u, v = _per_atom(frames)
        line = constant + slope * (u - np.mean(x))
        found.append(
            Baseline(
                split=split, constant_meV_atom=1e3 * rms(v - constant), line_meV_atom=1e3 * rms(v - line)
            )
        )
    return tuple(found)


def judge_difference(
    errors: Mapping[str, Errors], baselines: Sequence[Baseline], rms_delta_force_meV_A: float
) -> Verdict:
    """Not learned: it adds no force, or a straight line in E_base does as well on structures held out."""
    split = held_out(errors)
    line = next(b.line_meV_atom for b in baselines if b.split == split)
    rmse = errors[split].energy_meV_atom
    if rms_delta_force_meV_A < NO_FORCE_MEV_A:
        return Verdict(
            False, f"RMS |ΔF| {rms_delta_force_meV_A:.2g} meV/Å is near zero (below {NO_FORCE_MEV_A:g})"
        )
    comparison = f"{split} RMSE {rmse:.3g} meV/atom, a straight line in E_base {line:.3g}"
    return Verdict(rmse < line, comparison)


def judge_level(dataset: Dataset, errors: Mapping[str, Errors]) -> Verdict:
    """Unfit: the force RMSE is a large part of the RMS force, on structures held out that have forces."""
    splits = dataset.splits()
    for split in ("test", "valid"):
        labels = [f.forces_eV_A for f in splits.get(split, ()) if f.forces_eV_A is not None]
        if labels:
            return _judge_forces(split, errors[split].force_meV_A or 0.0, 1e3 * rms_force_eV_A(labels))
    return Verdict(True, "no force labels to judge by")


def held_out(errors: Mapping[str, Errors]) -> str:
    """The split that judges: test where there is one, else valid."""
    return "test" if "test" in errors else "valid"


def rms_delta_force(predictions: Mapping[str, Prediction]) -> float:
    """RMS of the force components, meV/Å, that a difference adds over all its structures."""
    return 1e3 * rms_force_eV_A([prediction.forces_eV_A for prediction in predictions.values()])


def _judge_forces(split: str, rmse: float, size: float) -> Verdict:
    share = rmse / size if size > 0 else 0.0
    reason = f"{split} force RMSE {rmse:.0f} meV/Å is {share:.0%} of the RMS force"
    return Verdict(share <= UNFIT_FORCE_FRACTION, reason)


def _per_atom(frames: Sequence[Frame]) -> tuple[np.ndarray, np.ndarray]:
    base = [(frame.base_energy_eV or 0.0) / frame.atoms for frame in frames]
    return np.array(base), np.array([frame.energy_eV / frame.atoms for frame in frames])
