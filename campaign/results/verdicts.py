"""Verdicts by the rule of today: a record keeps that of its own day, and copies of those of its parts.

What has learned is judged once, at the trainings; sums, phonons and MD have learned if their parts have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from campaign.records.outputs import label_energies
from campaign.results.result import Result
from flows.records import PhononFacts, SummedModel, TrainedModelFacts, Vibrations
from flows.training.names import ModelName
from flows.training.settings import TrainingTask
from flows.training.verdict import StraightLine, judge_difference, rests_on
from flows.training.verdict import of_parts as joined
from launchers.farm import Farm

OF_A_LEVEL = "of the RMS force"  # how verdicts on levels ended

Judged = Mapping[str, TrainedModelFacts]
R = TypeVar("R", SummedModel, PhononFacts, Vibrations)


def judged(farm: Farm, trainings: Sequence[Result[TrainedModelFacts]]) -> list[Result[TrainedModelFacts]]:
    """Differences whose straight line had seen what validates are held against one that has not, and old verdicts on
    levels say on how many structures they rest.

    A record stays as it is where a label of it is not to be found.
    """
    trainings = [Result(one.work, _counted(one.record)) for one in trainings]
    old = {one.work.key: one.work.task for one in trainings if _before_the_rule(one)}
    if not old:
        return trainings
    keys = {key for task in old.values() for pairs in _splits(task).values() for pair in pairs for key in pair}
    energies = label_energies(farm, keys)
    return [
        Result(one.work, _by_todays_rule(one.record, old[one.work.key], energies)) if one.work.key in old else one
        for one in trainings
    ]


def of_parts(results: Iterable[Result[R]], models: Judged) -> Iterator[Result[R]]:
    """What rests on `models`, with the verdict that these have; as it is where not all of them are there."""
    for one in results:
        parts = [models[key] for key in one.work.needs if key in models]
        if parts and len(parts) == len(one.work.needs):
            yield Result(one.work, one.record.model_copy(update=joined(parts)))
        else:
            yield one


def _before_the_rule(one: Result[TrainedModelFacts]) -> bool:
    is_difference = ModelName.parse(one.work.model).kind == "difference"
    return is_difference and one.record.line_slope is None and one.record.rms_delta_force_meV_A is not None


def _counted(record: TrainedModelFacts) -> TrainedModelFacts:
    """The verdict on a level of before version 0.2 named its split first."""
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
