"""What the jobs of engines are told: of a chunk of labels, and of Born charges."""

from __future__ import annotations

from pydantic import Field

from flows.labelling.engines.known import EngineChoice
from flows.records import Structure
from flows.settings import Settings


class LabelItem(Settings):
    """One structure, and the levels at which it is to be labelled; True: with forces."""

    structure: Structure
    levels: dict[str, bool]


class BornTask(Settings):
    """Born charges and dielectric tensor of the crystal `primitive`, by an engine that finds them; `sum_rule_e` as `flows.phonons.nac.nac_settings` has it."""

    key: str
    system: str
    engine: EngineChoice
    primitive: Structure
    sum_rule_e: float | None = None


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
