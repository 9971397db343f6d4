"""Has a model learned? A small RMSE alone does not say so: a constant reaches a small one for many differences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from flows.records import Baseline, Errors, SummedModel, TrainedModelFacts
from flows.training.datasets import Dataset, Frame
from flows.training.evaluate import Prediction, rms, rms_force_eV_A

NO_FORCE_MEV_A = 1.0
"""A difference whose RMS force component is below this adds nothing to its base."""

UNFIT_FORCE_FRACTION = 0.1
"""A model whose force RMSE exceeds this fraction of the RMS force is unfit: frequencies follow force constants with
a power of one half, and 5 % of them is what the levels of theory differ by."""


FLAT_FRACTION = 0.1
"""Structures whose RMS force is below this part of that of what trains lie at rest: their errors say little."""

FLAT_MEV_ATOM = 0.01
"""Energies that vary by less have no spread: published ones are rounded to it."""

FEWEST = 2
"""Of fewer structures the error of an energy is one number, which says nothing beside that of a trivial model."""

CANNOT = "cannot be judged"
"""How a reason begins where nothing was shown: such a model counts as not learned."""

FEW = 10
"""Of fewer structures a verdict says so: the error of an RMSE over n is about a fraction 1/sqrt(2 n) of it."""


@dataclass(frozen=True)
class Verdict:
    learned: bool
    reason: str


def of_parts(models: Iterable[TrainedModelFacts | SummedModel]) -> dict[str, Any]:
    """`learned` and `verdict` of what rests on `models`: it has learned if all of them have."""
    parts = list(models)
    return {
        "learned": all(model.learned for model in parts),
        "verdict": "; ".join(f"{model.model}: {model.verdict}" for model in parts if model.verdict),
    }


@dataclass(frozen=True)
class StraightLine:
    """ΔE = `constant` + `slope` (E_base - `centre`), energies in eV per atom: what a difference has to beat.

    With it for a model, the sum is (1 + slope) times the base: see `frequency_factor`.
    """

    constant: float
    slope: float
    centre: float

    @classmethod
    def through(cls, base: NDArray, difference: NDArray) -> Self:
        """By least squares, (structures,) each; flat where the base does not vary: it leaves no line to fit."""
        slope = float(np.cov(base, difference, bias=True)[0, 1] / np.var(base)) if np.var(base) > 1e-24 else 0.0
        return cls(float(np.mean(difference)), slope, float(np.mean(base)))

    def baseline(self, split: str, base: NDArray, difference: NDArray) -> Baseline:
        """Its RMSE on a split, beside that of the constant."""
        left = difference - self.constant
        return Baseline(
            split=split,
            constant_meV_atom=1e3 * rms(left),
            line_meV_atom=1e3 * rms(left - self.slope * (base - self.centre)),
        )


def frequency_factor(line_slope: float | None) -> float | None:
    """sqrt(1 + slope), by which a straight line multiplies the frequencies of its base; None where there is none.

    Where no non-analytical term is added: that stays as it is.
    """
    return float(np.sqrt(1 + line_slope)) if line_slope is not None and line_slope > -1 else None


def straight_line(dataset: Dataset) -> StraightLine:
    """The line through what trains: what chooses the epoch and what tests have no part in it."""
    return StraightLine.through(*_per_atom(dataset.train))


def baselines(dataset: Dataset) -> tuple[Baseline, ...]:
    """RMSE per atom, in each split, of a constant and of the straight line in E_base, fitted to what trains."""
    line = straight_line(dataset)
    return tuple(line.baseline(split, *_per_atom(frames)) for split, frames in dataset.splits().items())


def judge_difference(
    errors: Mapping[str, Errors], baselines: Sequence[Baseline], rms_delta_force_meV_A: float
) -> Verdict:
    """Not learned: it adds no force, a straight line in E_base does as well on structures held out, or these are too few."""
    split = held_out(errors)
    line = next(b.line_meV_atom for b in baselines if b.split == split)
    rmse = errors[split].energy_meV_atom
    if rms_delta_force_meV_A < NO_FORCE_MEV_A:
        return Verdict(
            False, f"RMS |ΔF| {rms_delta_force_meV_A:.2g} meV/Å is near zero (below {NO_FORCE_MEV_A:g})"
        )
    if reason := too_few(errors):
        return Verdict(False, reason)
    comparison = f"{split} RMSE {rmse:.3g} meV/atom, a straight line in E_base {line:.3g}"
    return Verdict(rmse < line, f"{comparison} ({rests_on(split, errors[split].count)})")


def too_few(errors: Mapping[str, Errors]) -> str:
    """Why energies held out cannot judge; empty: they can."""
    split = held_out(errors)
    count = errors[split].count
    if count >= FEWEST:
        return ""
    return f"{CANNOT}: a single energy was held out ({rests_on(split, count)}); ask for a larger valid_fraction"


@dataclass(frozen=True)
class LevelLabels:
    """What one split has of a level: `energies_eV_atom` (n,), and the RMS force component of the `with_forces` of them."""

    energies_eV_atom: NDArray
    force_meV_A: float = 0.0
    with_forces: int = 0

    @classmethod
    def of(cls, energies_eV_atom: Sequence[float], forces_eV_A: Sequence[NDArray | None]) -> Self:
        """From energies per atom, and (N, 3) forces or None for each."""
        given = [forces for forces in forces_eV_A if forces is not None]
        return cls(np.array(energies_eV_atom), 1e3 * rms_force_eV_A(given) if given else 0.0, len(given))


def judge_level(dataset: Dataset, errors: Mapping[str, Errors]) -> Verdict:
    """The verdict of `judge_by_labels`, on the labels of `dataset`."""
    labels = {
        split: LevelLabels.of([f.energy_eV / f.atoms for f in frames], [f.forces_eV_A for f in frames])
        for split, frames in dataset.splits().items()
    }
    return judge_by_labels(labels, errors)


def judge_by_labels(labels: Mapping[str, LevelLabels], errors: Mapping[str, Errors]) -> Verdict:
    """Unfit: the force RMSE is a large part of the RMS force, on structures held out; or, where these have no forces, the
    RMSE of the energies is no smaller than that of a constant. Where neither can be said, it is not learned either."""
    held = [split for split in ("test", "valid") if split in labels and split in errors]
    with_forces = [split for split in held if labels[split].with_forces]
    if not with_forces:
        return _judge_energies(labels, errors)
    trained = labels["train"].force_meV_A if "train" in labels else 0.0
    for split in with_forces:
        if labels[split].force_meV_A >= max(NO_FORCE_MEV_A, FLAT_FRACTION * trained):
            return _judge_forces(split, labels[split], errors)
    flat = with_forces[0]
    lies = f"RMS force of {rests_on(flat, labels[flat].with_forces)}: {labels[flat].force_meV_A:.2g} meV/Å"
    if trained >= NO_FORCE_MEV_A and not (found := _judge_forces("train", labels["train"], errors)).learned:
        return Verdict(False, f"{found.reason}; {lies}")
    return Verdict(False, f"{CANNOT}: {lies}, of those that train {trained:.3g}; draw another split_seed, or label more")


def held_out(errors: Mapping[str, Errors]) -> str:
    """The split that judges: test where there is one, else valid."""
    return "test" if "test" in errors else "valid"


def rms_delta_force(predictions: Mapping[str, Prediction]) -> float:
    """RMS of the force components, meV/Å, that a difference adds over all its structures."""
    return 1e3 * rms_force_eV_A([prediction.forces_eV_A for prediction in predictions.values()])


def _judge_forces(split: str, labels: LevelLabels, errors: Mapping[str, Errors]) -> Verdict:
    rmse = errors[split].force_meV_A
    if rmse is None:
        return Verdict(False, f"{CANNOT}: no error of forces is known of {split}")
    share = rmse / labels.force_meV_A
    reason = f"{split} force RMSE {rmse:.0f} meV/Å is {share:.0%} of the RMS force"
    return Verdict(share <= UNFIT_FORCE_FRACTION, f"{reason} ({rests_on(split, labels.with_forces)})")


def _judge_energies(labels: Mapping[str, LevelLabels], errors: Mapping[str, Errors]) -> Verdict:
    """By a constant, which is the mean of what trains."""
    split, why = held_out(errors), "no force labels to judge by"
    if reason := too_few(errors):
        return Verdict(False, f"{reason} ({why})")
    energies, rmse = labels[split].energies_eV_atom, errors[split].energy_meV_atom
    if 1e3 * float(np.std(energies)) < FLAT_MEV_ATOM:
        return Verdict(False, f"{CANNOT}: {why}, and the energies of {split} are all the same")
    constant = 1e3 * rms(energies - np.mean(labels["train"].energies_eV_atom))
    comparison = f"{split} RMSE {rmse:.3g} meV/atom, a constant {constant:.3g}"
    return Verdict(rmse < constant, f"{comparison} ({rests_on(split, errors[split].count)}; {why})")


def rests_on(split: str, count: int) -> str:
    """On how many structures a verdict rests, and whether they are those that the epoch was chosen by."""
    structures = f"{'only ' if count < FEW else ''}{count} structure{'' if count == 1 else 's'}"
    return f"{structures}, by which the epoch was chosen too" if split == "valid" else structures


def _per_atom(frames: Sequence[Frame]) -> tuple[np.ndarray, np.ndarray]:
    base = [(frame.base_energy_eV or 0.0) / frame.atoms for frame in frames]
    return np.array(base), np.array([frame.energy_eV / frame.atoms for frame in frames])
