"""The optical mode at Γ: models beside the frozen phonon of the level that they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from campaign.results.campaign import Campaign, Result
from campaign.results.columns import Column, Table
from campaign.results.tables.phonons import ACOUSTIC, GAMMA
from campaign.results.tables.places import LEARNED, MODEL, SIZE, SYSTEM, TITLE, place
from flows.records import PhononFacts
from flows.training.names import ModelName


def _rows(campaign: Campaign) -> Iterator[dict[str, Any]]:
    for frozen in campaign.frozen_phonons():
        common = {"system": frozen.system, "level": frozen.level, "frozen_cm1": frozen.phonon.frequency_cm1}
        groups = _groups(campaign, frozen.system, frozen.level)
        for group in groups:
            yield {**common, **_compared(group, frozen.phonon.frequency_cm1)}
        if not groups:
            yield {**common, "title": "no phonons yet", "seed_count": 0}


def _groups(campaign: Campaign, system: str, level: str) -> list[list[Result[PhononFacts]]]:
    """Phonons of the models that stand for `level`, the seeds of one model and size together."""
    found: dict[tuple[str, str], list[Result[PhononFacts]]] = {}
    for one in campaign.phonons():
        stands_for = one.work.seed is not None and ModelName.parse(one.work.model).level == level
        if stands_for and one.work.system == system:
            found.setdefault((one.work.size, one.work.model), []).append(one)
    return list(found.values())


def optical_cm1(record: PhononFacts) -> float:
    """The optical mode at Γ; of a polar crystal the transverse one, that of a frozen phonon.

    The acoustic modes are those next to zero: an imaginary optical mode lies below them.
    """
    return min(sorted(record.points_cm1[GAMMA], key=abs)[ACOUSTIC:])


def _compared(group: list[Result[PhononFacts]], frozen_cm1: float) -> dict[str, Any]:
    """Smallest and largest over the seeds; of a polar crystal the transverse mode, that of the frozen phonon."""
    modes = [optical_cm1(one.record) for one in group]
    off = max((mode - frozen_cm1 for mode in modes), key=abs)
    facts = place(group[0].work)
    return {name: facts[name] for name in ("model", "title", "size")} | {
        "seed_count": len(group),
        "learned": all(one.record.learned for one in group),
        "min_cm1": min(modes),
        "max_cm1": max(modes),
        "worst_off_cm1": off,
        "worst_off_percent": 100 * off / frozen_cm1 if frozen_cm1 else None,
    }


FROZEN = Table(
    "frozen",
    "the optical mode at Γ: models beside the frozen phonon that the engine itself computes at their level",
    (
        SYSTEM,
        Column("level", header="level"),
        Column("frozen_cm1", "float", "frozen phonon\ncm^-1", 0),
        MODEL,
        TITLE,
        SIZE,
        LEARNED,
        Column("seed_count", "int", "seeds"),
        Column("min_cm1", "float", "smallest\ncm^-1", 0),
        Column("max_cm1", "float", "largest\ncm^-1", 0),
        Column("worst_off_cm1", "float", "off by\ncm^-1", 0),
        Column("worst_off_percent", "float", "off by\n%", 1),
    ),
    _rows,
)
