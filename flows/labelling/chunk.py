"""A chunk of labels: one structure after another, each label kept when it is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Protocol

from ase import Atoms

from flows.failure import CalculationFailed
from flows.labelling.computed import computed_label, computed_label_key, label_version
from flows.labelling.engines.protocol import STAGE, Computed, EngineSettings
from flows.labelling.engines.task import LabelItem, LabelTask
from flows.records import Failure, Label, LabelledChunk

Compute = Callable[[Atoms, Mapping[str, bool]], Mapping[str, Computed | Failure]]


class Keeper(Protocol):
    """Where labels are kept, and which are."""

    def keep(self, label: Label) -> None: ...
    def stored(self, keys: Sequence[str]) -> set[str]: ...


def label_chunk(task: LabelTask, compute: Compute, journal: Keeper) -> LabelledChunk:
    """Every label of `task` that is not kept yet, computed and kept.

    A label that fails does not hold up the others.

    Raises:
        CalculationFailed: some failed; a part for each, with its key.
    """
    started = perf_counter()
    keys = [_keys(item, task) for item in task.items]
    every = [key for of_item in keys for key in of_item.values()]
    known = journal.stored(every)
    failed: list[Failure] = []
    for item, of_item in zip(task.items, keys, strict=True):
        missing = {level: key for level, key in of_item.items() if key not in known}
        if missing:
            failed += _label(item, missing, task.engine, compute, journal)
    if failed:
        raise CalculationFailed(_summary(failed, len(every)), failed)
    return LabelledChunk(
        key=task.key,
        system=task.system,
        labels=tuple(every),
        versions=task.engine.versions(),
        wall_time_s=perf_counter() - started,
    )


def _keys(item: LabelItem, task: LabelTask) -> dict[str, str]:
    """The label key of each level of one structure, of those that are computed as they were asked for."""
    structure = item.structure.key()
    return {
        level: computed_label_key(structure, level, task.engine, forces)
        for level, forces in item.levels.items()
        if task.versions.get(level, 1) == label_version(task.engine, level)
    }


def _label(
    item: LabelItem, missing: Mapping[str, str], engine: EngineSettings, compute: Compute, journal: Keeper
) -> list[Failure]:
    """The failures among the `missing` labels of one structure, keys by level; the others are kept."""
    wanted = {level: item.levels[level] for level in missing}
    failed = []
    for level, found in compute(item.structure.atoms(), wanted).items():
        if isinstance(found, Failure):
            names = {"label_key": missing[level], "structure_key": item.structure.key(), "level": level}
            failed.append(found.model_copy(update=names))
        else:
            journal.keep(computed_label(item.structure, level, engine, wanted[level], found))
    return failed


def _summary(failed: Sequence[Failure], every: int) -> Failure:
    if len(failed) == 1:
        (one,) = failed
        message = f"{one.level} of structure {(one.structure_key or '')[:12]}: {one.message}"
        return one.model_copy(update={"message": message})
    kinds = Counter(one.kind for one in failed)
    (kind, _), first = kinds.most_common(1)[0], failed[0]
    message = f"{len(failed)} of {every} labels failed; the first, {first.level}: {first.message}"
    return Failure(stage=STAGE, kind=kind, message=message, advice=first.advice)
