"""From a task and its labels to the record of a difference by force constants."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.failure import CalculationFailed
from flows.records import (
    Baseline,
    Blob,
    Errors,
    FittedForceConstants,
    LeftOut,
    TrainedModel,
    TriedForceConstants,
)
from flows.training.datasets import label_pairs
from flows.training.evaluate import rms
from flows.training.force_constants.basis import symmetric_cell
from flows.training.force_constants.choice import Choice, Tried, Undetermined, choose
from flows.training.force_constants.difference import fitted_difference
from flows.training.force_constants.frames import Frames
from flows.training.verdict import NO_FORCE_MEV_A, StraightLine, Verdict
from flows.versions import versions as installed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flows.records import Label
    from flows.training.force_constants.model import ForceConstants
    from flows.training.force_constants.settings import ForceConstantTask

PACKAGES = ("symfc", "spglib", "numpy", "scipy", "ase")

bad_input = partial(CalculationFailed.of, "train", "bad-input")


def fitted_model(task: ForceConstantTask, labels: Mapping[str, Label]) -> TrainedModel:
    """Fit what `task` asks for and judge it: each structure by a fit to all others, and what was kept for a test.

    Raises:
        CalculationFailed: `bad-input`: labels that do not fit the task, no structure near the sites of the crystal, too few.
    """
    started = perf_counter()
    primitive = task.primitive.atoms()
    try:
        train = Frames.of(primitive, label_pairs(task.model, task.train, labels, task.labelled_as))
        test = Frames.of(primitive, label_pairs(task.model, task.test, labels, task.labelled_as)) if task.test else None
        choice = choose(train, symmetric_cell(primitive, train.sites), task.settings)
    except Undetermined as why:
        raise bad_input(f"{task.model}: {why}") from why
    except ValueError as why:
        raise bad_input(f"{task.model}: {why}", advice="check the labels and the crystal") from why
    model = fitted_difference(train, choice)
    every = [train, test] if test is not None else [train]
    plain = {key: value for one in every for key, value in zip(one.keys, model.energies(one.u, one.sites), strict=True)}
    base = {key: value for one in every for key, value in zip(one.keys, one.base_eV, strict=True)}
    content = model.file()
    return TrainedModel(
        **{name: getattr(task, name) for name in ("key", "system", "model", "seed", "size")},
        train_count=len(train.keys),
        valid_count=0,
        test_count=len(test.keys) if test is not None else 0,
        atoms=len(train.sites),
        **_judged(model, choice, train, test),
        predictions_eV={key: value + model.slope * base[key] for key, value in plain.items()},
        settings=task.settings.model_dump(mode="json"),
        versions=installed(PACKAGES),
        device="cpu",
        wall_time_s=perf_counter() - started,
        weights_sha256=hashlib.sha256(content).hexdigest(),
        blob=Blob.of(content),
        force_constants=_facts(model, choice, train, plain, every),
    )


def _judged(model: ForceConstants, choice: Choice, train: Frames, test: Frames | None) -> dict[str, Any]:
    atoms = len(train.sites)
    chosen = choice.chosen
    energies = ~chosen.seen.are_forces
    inside = (chosen.seen.values - chosen.seen.rows @ chosen.posterior.mean)[energies] / atoms
    one_out = chosen.posterior.held_out[energies] / atoms
    line = StraightLine.through(train.base_eV / atoms, train.difference_eV / atoms)
    left = _left_by_line(train.base_eV / atoms, train.difference_eV / atoms)
    constant = (train.difference_eV - train.difference_eV.mean()) / atoms * len(inside) / (len(inside) - 1)
    errors = {"train": _errors(inside), "valid": _errors(one_out)}
    baselines = [
        line.baseline("train", train.base_eV / atoms, train.difference_eV / atoms),
        Baseline(split="valid", constant_meV_atom=1e3 * rms(constant), line_meV_atom=1e3 * rms(left)),
    ]
    if test is not None:
        predicted = model.energies(test.u, test.sites) + model.slope * test.base_eV
        errors["test"] = _errors((predicted - test.difference_eV) / atoms)
        baselines.append(line.baseline("test", test.base_eV / atoms, test.difference_eV / atoms))
    force = _rms_force(model, train)
    verdict = _verdict(errors, baselines, force)
    return {
        "errors": errors,
        "baselines": tuple(baselines),
        "line_slope": line.slope,
        "rms_delta_force_meV_A": force,
        "learned": verdict.learned,
        "verdict": verdict.reason,
    }


def _errors(left_eV_atom: NDArray) -> Errors:
    return Errors(count=len(left_eV_atom), energy_meV_atom=1e3 * rms(left_eV_atom))


def _left_by_line(base: NDArray, difference: NDArray) -> NDArray:
    """What is left of each difference by the straight line through all others."""
    rows = np.stack([np.ones_like(base), base - base.mean()], axis=1)
    projector = rows @ np.linalg.pinv(rows)
    return np.asarray((difference - projector @ difference) / (1 - np.diag(projector)))


def _rms_force(model: ForceConstants, train: Frames) -> float:
    """RMS of the components of what the polynomial adds, meV/Å; the multiple of the base comes on top."""
    some = range(min(len(train.keys), 20))
    parts = [sum(one.forces(train.u[at], train.sites)[:, :, 0] for one in model.interactions) for at in some]
    return 1e3 * rms(np.concatenate(parts))


def _verdict(errors: Mapping[str, Errors], baselines: list[Baseline], rms_force_meV_A: float) -> Verdict:
    """Not learned: it does no better than a straight line in E_base on structures that it was not fitted to."""
    if rms_force_meV_A < NO_FORCE_MEV_A:
        return Verdict(False, f"RMS |ΔF| {rms_force_meV_A:.2g} meV/Å is near zero (below {NO_FORCE_MEV_A:g})")
    split = "test" if "test" in errors else "valid"
    line = next(one.line_meV_atom for one in baselines if one.split == split)
    found = errors[split]
    how = "test" if split == "test" else "leave-one-out"
    reason = f"{how} RMSE {found.energy_meV_atom:.3g} meV/atom, a straight line in E_base {line:.3g} ({found.count} structures)"
    return Verdict(found.energy_meV_atom < line, reason)


def _facts(
    model: ForceConstants, choice: Choice, train: Frames, plain: Mapping[str, float], every: list[Frames]
) -> FittedForceConstants:
    atoms, chosen = len(train.sites), choice.chosen
    noise = chosen.posterior.noise
    return FittedForceConstants(
        slope=model.slope,
        tried=tuple(_tried(one, good, atoms) for one, good in zip(choice.tried, choice.acceptable, strict=True)),
        beyond=choice.beyond,
        with_forces=train.with_forces,
        noise_meV_atom=1e3 * noise.sigma / atoms,
        noise_growth=noise.kappa,
        condition=chosen.posterior.condition,
        symmetric_cell=choice.chosen.basis.cell.matrix.tolist(),
        left_out=tuple(LeftOut(structure_key=key, reason=why) for one in every for key, why in one.left_out),
        without_base_eV=dict(plain),
        one_out_eV=_one_out(model, choice, train),
    )


def _one_out(model: ForceConstants, choice: Choice, train: Frames) -> dict[str, float]:
    chosen = choice.chosen
    left = chosen.posterior.held_out[~chosen.seen.are_forces]
    found = train.difference_eV - left - model.slope * train.base_eV
    return dict(zip(train.keys, found.tolist(), strict=True))


def _tried(one: Tried, acceptable: bool, atoms: int) -> TriedForceConstants:
    left = one.posterior.held_out[~one.seen.are_forces]
    return TriedForceConstants(
        cutoffs_A={str(order): cutoff for order, cutoff in one.cutoffs_A.items()},
        parameters=one.parameters,
        left_out_meV_atom=1e3 * rms(left) / atoms,
        log_density=float(one.posterior.predictive(one.seen).sum()),
        log_evidence=one.posterior.log_evidence,
        acceptable=acceptable,
    )
