"""What the job of a chunk of labels is told."""

from __future__ import annotations

from pydantic import Field

from flows.labelling.engines.known import EngineChoice
from flows.records import Structure
from flows.settings import Settings


class LabelItem(Settings):
    """One structure, and the levels at which it is to be labelled; True: with forces."""

    structure: Structure
    levels: dict[str, bool]


class LabelTask(Settings):
    """A chunk of labels, all by one engine: one structure after another, all levels of each at once.

    `versions` says for which version of a level its labels were asked, where that is not the first: a level that has
    a later one since is left out, as the campaign asks for it under other keys.
    """

    key: str
    system: str
    engine: EngineChoice
    items: tuple[LabelItem, ...]
    versions: dict[str, int] = Field(default={})
