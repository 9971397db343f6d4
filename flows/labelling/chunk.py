"""A chunk of labels: one structure after another, each label kept when it is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Protocol

from ase import Atoms

from flows.failure import CalculationFailed
from flows.labelling.computed import computed_label, computed_label_key
from flows.labelling.engines.protocol import STAGE, Computed
from flows.labelling.engines.task import LabelItem, LabelTask
from flows.labelling.journal import Journal
from flows.records import Failure, Label, LabelledChunk

Compute = Callable[[Atoms, Mapping[str, bool]], Mapping[str, Computed | Failure]]


class Keeper(Protocol):
    """Where labels are kept, and which are."""

    def keep(self, label: Label) -> None: ...
    def stored(self, keys: Sequence[str]) -> set[str]: ...


def label_keys(task: LabelTask) -> dict[str, tuple[LabelItem, str]]:
    """The keys of all labels of a chunk, with the structure and the level of each."""
    return {
        computed_label_key(item.structure.key(), level, task.engine, forces): (item, level)
        for item in task.items
        for level, forces in item.levels.items()
    }


def label_chunk(task: LabelTask, compute: Compute, journal: Journal | Keeper) -> LabelledChunk:
    """Every label of `task` that is not kept yet, computed and kept.

    A label that fails does not hold up the others.

    Raises:
        CalculationFailed: some failed; a part for each, with its key.
    """
    started = perf_counter()
    keys = label_keys(task)
    known = journal.stored(list(keys))
    failed: list[Failure] = []
    for item in task.items:
        failed += _label(item, task, compute, journal, known)
    if failed:
        raise CalculationFailed(_summary(failed, len(keys)), failed)
    return LabelledChunk(
        key=task.key,
        system=task.system,
        labels=tuple(keys),
        versions=task.engine.versions(),
        wall_time_s=perf_counter() - started,
    )


def _label(
    item: LabelItem, task: LabelTask, compute: Compute, journal: Journal | Keeper, known: set[str]
) -> list[Failure]:
    """The failures among the labels of one structure; the others are kept."""
    structure_key = item.structure.key()
    keys = {
        level: computed_label_key(structure_key, level, task.engine, forces)
        for level, forces in item.levels.items()
    }
    wanted = {level: item.levels[level] for level, key in keys.items() if key not in known}
    if not wanted:
        return []
    failed = []
    for level, found in compute(item.structure.atoms(), wanted).items():
        if isinstance(found, Failure):
            names = {"label_key": keys[level], "structure_key": structure_key, "level": level}
            failed.append(found.model_copy(update=names))
        else:
            journal.keep(computed_label(item.structure, level, task.engine, wanted[level], found))
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
