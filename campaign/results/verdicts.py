"""Verdicts by the rule of today: a record keeps that of its own day, and copies of those of its parts.

What has learned is judged once, at the trainings; sums, phonons and MD have learned if their parts have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from campaign.planning.work import TaskOf, own_task
from campaign.records.outputs import fields, label_energies
from campaign.results.result import Result
from flows.records import PhononFacts, Record, SummedModel, TrainedModelFacts, Vibrations
from flows.settings import Settings
from flows.training.names import ModelName
from flows.training.settings import TrainingTask
from flows.training.verdict import (
    CANNOT,
    NO_FORCE_MEV_A,
    UNFIT_FORCE_FRACTION,
    LevelLabels,
    StraightLine,
    Verdict,
    judge_by_labels,
    judge_difference,
    rests_on,
    too_few,
)
from flows.training.verdict import of_parts as joined
from launchers.farm import Farm

OF_A_LEVEL = "of the RMS force"  # how verdicts on levels ended

Judged = Mapping[str, TrainedModelFacts]
R = TypeVar("R", SummedModel, PhononFacts, Vibrations)
S = TypeVar("S", bound=Record)


def judged(
    farm: Farm, trainings: Sequence[Result[TrainedModelFacts]], task_of: TaskOf = own_task
) -> list[Result[TrainedModelFacts]]:
    """Differences whose straight line had seen what validates are held against one that has not, and old verdicts on
    levels say on how many structures they rest. What could not be judged has not learned.

    A record stays as it is where a label of it is not to be found, but for one that nothing was shown of.
    """
    trainings = [Result(one.work, _counted(one.record)) for one in _levels(farm, trainings, task_of)]
    old = {one.work.key: task_of(one.work) for one in trainings if _before_the_rule(one)}
    if not old:
        return trainings
    keys = {key for task in old.values() for pairs in _splits(task).values() for pair in pairs for key in pair}
    energies = label_energies(farm, keys)
    return [
        Result(one.work, _by_todays_rule(one.record, old[one.work.key], energies)) if one.work.key in old else one
        for one in trainings
    ]


def _levels(farm: Farm, trainings: Sequence[Result[TrainedModelFacts]], task_of: TaskOf) -> Iterator[Result[TrainedModelFacts]]:
    """Models of levels that were called learned by structures at rest, or by none, are judged by their labels."""
    for one in trainings:
        if one.record.learned and _unshown(one.record):
            verdict = _of_level(farm, one.record, task_of(one.work))
            yield Result(one.work, one.record.model_copy(update={"learned": verdict.learned, "verdict": verdict.reason}))
        else:
            yield one


def _unshown(record: TrainedModelFacts) -> bool:
    """Whether the errors of a model of a level make one doubt that what was held out has forces.

    Only of some labels are forces read again: an error far below that of what trains is that of structures at rest.
    """
    if ModelName.parse(record.model).kind == "difference" or record.verdict.startswith(CANNOT):
        return False
    held = [record.errors[split].force_meV_A for split in ("test", "valid") if split in record.errors]
    known = [rmse for rmse in held if rmse is not None]
    if not known:
        return "a constant" not in record.verdict
    trained = (record.errors["train"].force_meV_A or 0.0) if "train" in record.errors else 0.0
    return known[0] < UNFIT_FORCE_FRACTION * max(NO_FORCE_MEV_A, trained) or " is 0% of" in record.verdict


def _of_level(farm: Farm, record: TrainedModelFacts, task: Settings) -> Verdict:
    splits = {split: [key for (key,) in pairs] for split, pairs in _splits(task).items() if pairs}
    found = fields(farm, {key for keys in splits.values() for key in keys}, "energy_eV", "forces_eV_A")
    if any(key not in found for keys in splits.values() for key in keys):
        return Verdict(False, f"{CANNOT}: nothing was shown of structures held out, and their labels are not to be found")
    labels = {
        split: LevelLabels.of(
            [found[key]["energy_eV"] / record.atoms for key in keys],
            [None if (forces := found[key]["forces_eV_A"]) is None else np.array(forces) for key in keys],
        )
        for split, keys in splits.items()
    }
    return judge_by_labels(labels, record.errors)


def of_parts(results: Iterable[Result[R]], models: Judged) -> Iterator[Result[R]]:
    """What rests on `models`, with the verdict that these have; as it is where not all of them are there."""
    for one in results:
        parts = [models[key] for key in one.work.needs if key in models]
        if parts and len(parts) == len(one.work.needs):
            yield Result(one.work, updated(one.record, joined(parts)))
        else:
            yield one


def updated(record: S, values: Mapping[str, Any]) -> S:
    """`record` with these values; itself where it has them."""
    same = all(getattr(record, name) == value for name, value in values.items())
    return record if same else record.model_copy(update=values)


def _before_the_rule(one: Result[TrainedModelFacts]) -> bool:
    is_difference = ModelName.parse(one.work.model).kind == "difference"
    return is_difference and one.record.line_slope is None and one.record.rms_delta_force_meV_A is not None


def _counted(record: TrainedModelFacts) -> TrainedModelFacts:
    """The verdict on a level of before version 0.2 named its split first; a difference may rest on one energy."""
    if ModelName.parse(record.model).kind == "difference" and record.learned and (reason := too_few(record.errors)):
        return record.model_copy(update={"learned": False, "verdict": reason})
    split = record.verdict.partition(" ")[0]
    if not record.verdict.endswith(OF_A_LEVEL) or split not in record.errors:
        return record
    return record.model_copy(update={"verdict": f"{record.verdict} ({rests_on(split, record.errors[split].count)})"})


def _by_todays_rule(record: TrainedModelFacts, task: Any, energies: Mapping[str, float]) -> TrainedModelFacts:
    splits = _splits(task)
    if any(key not in energies for pairs in splits.values() for pair in pairs for key in pair):
        return record
    curves = {
        split: np.array([[energies[base], energies[upper] - energies[base]] for upper, base in pairs]).T / record.atoms
        for split, pairs in splits.items()
        if pairs
    }
    line = StraightLine.through(*curves["train"])
    baselines = tuple(line.baseline(split, *curve) for split, curve in curves.items())
    verdict = judge_difference(record.errors, baselines, record.rms_delta_force_meV_A or 0.0)
    found = {"baselines": baselines, "line_slope": line.slope, "learned": verdict.learned, "verdict": verdict.reason}
    return record.model_copy(update=found)


def _splits(task: Any) -> dict[str, tuple[tuple[str, ...], ...]]:
    assert isinstance(task, TrainingTask)
    return {"train": task.train, "valid": task.valid, "test": task.test}
