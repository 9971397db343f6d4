"""What the job of a chunk of labels is told."""

from __future__ import annotations

from flows.labelling.engines.known import EngineChoice
from flows.records import Structure
from flows.settings import Settings


class LabelItem(Settings):
    """One structure, and the levels at which it is to be labelled; True: with forces."""

    structure: Structure
    levels: dict[str, bool]


class LabelTask(Settings):
    """A chunk of labels, all by one engine: one structure after another, all levels of each at once."""

    key: str
    system: str
    engine: EngineChoice
    items: tuple[LabelItem, ...]
