"""Why a model is to be trained that was trained before under other settings or on other labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from campaign.planning.changes import then_and_now
from campaign.planning.work import Coordinates, Work, shown
from flows.training.settings import TrainingSettings, TrainingTask


@dataclass(frozen=True)
class EarlierTraining:
    """A model that is in the database: where it stood in its campaign, and what it was trained with and on."""

    key: str
    coordinates: Coordinates
    settings: Mapping[str, Any]
    train_count: int


def retrainings(missing: Iterable[Work], earlier: Iterable[EarlierTraining]) -> Iterator[str]:
    """`ML(DFT_EF) of lih, full: trained before with max_epochs 20, now 40; the old models are kept`.

    Of `missing` trainings, those that differ from an earlier one of the same place; of several, from the nearest.
    """
    by_place: dict[Coordinates, list[EarlierTraining]] = {}
    for one in earlier:
        by_place.setdefault(one.coordinates, []).append(one)
    found: dict[str, list[int]] = {}
    for work in missing:
        if isinstance(work.task, TrainingTask):
            place = Coordinates(work.system, work.model, work.seed, work.size)
            if place in by_place:
                nearest = _nearest(by_place[place], work.task.settings)
                text = f"{shown(work.model)} of {work.system}, {work.size}: {_difference(nearest, work.task)}"
                found.setdefault(text, []).append(work.task.seed)
    for text, seeds in found.items():
        kept = "the old model is kept" if len(seeds) == 1 else "the old models are kept"
        yield f"{text} (seed {', '.join(map(str, seeds))}); {kept}"


def _nearest(earlier: Iterable[EarlierTraining], settings: TrainingSettings) -> EarlierTraining:
    """The one of which the fewest settings have changed."""
    return min(earlier, key=lambda one: len(_changed(one, settings)))


def _changed(before: EarlierTraining, settings: TrainingSettings) -> dict[str, tuple[Any, Any]]:
    """The settings that differ: what they were, what they are."""
    now = settings.model_dump(mode="json")
    then = {name: value for name, value in before.settings.items() if name in now}
    return {name: (value, now[name]) for name, value in then.items() if now[name] != value}


def _difference(before: EarlierTraining, task: TrainingTask) -> str:
    if changed := _changed(before, task.settings):
        return f"trained before with {then_and_now(changed)}"
    if before.train_count != len(task.train):
        return f"trained before on {before.train_count} structures, now on {len(task.train)}"
    return "trained before on other labels or structures"
