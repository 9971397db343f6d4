"""A piece of work: what the plan of a campaign is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from flows.settings import Settings
from flows.training.names import ModelName


class Coordinates(NamedTuple):
    """Where a piece of work stands in the matrix of its campaign."""

    system: str
    model: str
    seed: int | None
    size: str


@dataclass(frozen=True)
class Work:
    """One piece of work: its key, where it stands in the matrix of the campaign, what it needs, what it is told.

    `needs` lists the keys of the work that it waits for: of a sum, of phonons and of MD the records that the job
    reads, in the order in which it takes them. Labelling has no seed and no size; its `model` names levels and
    engine, `parts` are the keys of its `count` structures' labels.
    """

    key: str
    stage: str
    system: str
    model: str
    seed: int | None
    size: str
    needs: tuple[str, ...]
    task: Settings
    parts: tuple[str, ...] = ()
    count: int = 1
    guessed_s: float | None = None  # what it may take; of work that is kept without its task

    @property
    def title(self) -> str:
        """As a table calls it: `train ML(DFT_EF) of diamond, seed 861, full`."""
        if self.stage == "born":
            return f"Born charges of {self.system} by {self.model}"
        about = f"{self.stage} {shown(self.model)} of {self.system}"
        if self.stage == "label":
            return f"{about}, {self.count} structure{'' if self.count == 1 else 's'}"
        return about if self.seed is None else f"{about}, seed {self.seed}, {self.size}"


TaskOf = Callable[[Work], Settings]
own_task: TaskOf = attrgetter("task")
"""What work is told, where it has it: what is kept of a plan has not."""


@lru_cache(maxsize=1000)
def shown(model: str) -> str:
    """A model as the paper writes it; what names no model (a level, an engine) as it is."""
    return ModelName.parse(model).title() if is_model(model) else model


def is_model(name: str) -> bool:
    """Whether `name` is a model of ours; phonons of anything else are of a level itself."""
    try:
        ModelName.parse(name)
    except ValueError:
        return False
    return True
