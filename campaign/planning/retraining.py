"""Why a model is to be trained that was trained before under other settings or on other labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from campaign.planning.work import Coordinates, Work, shown
from flows.training.settings import TrainingTask


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
            if candidates := [_difference(one, work.task) for one in by_place.get(place, ())]:
                text = f"{shown(work.model)} of {work.system}, {work.size}: {min(candidates, key=len)}"
                found.setdefault(text, []).append(work.task.seed)
    for text, seeds in found.items():
        kept = "the old model is kept" if len(seeds) == 1 else "the old models are kept"
        yield f"{text} (seed {', '.join(map(str, seeds))}); {kept}"


def _difference(before: EarlierTraining, task: TrainingTask) -> str:
    now = task.settings.model_dump(mode="json")
    changed = [name for name, value in before.settings.items() if name in now and now[name] != value]
    if changed:
        then = ", ".join(f"{name} {before.settings[name]}" for name in changed)
        return f"trained before with {then}, now {', '.join(str(now[name]) for name in changed)}"
    if before.train_count != len(task.train):
        return f"trained before on {before.train_count} structures, now on {len(task.train)}"
    return "trained before on other labels or structures"
