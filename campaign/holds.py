"""Holds: which parts of a campaign are not to go on until somebody resumes them.

A selection names fields of work and their values (`{"model": "hf-dft"}`; an empty one is the whole campaign).
The campaign's document keeps its selections, so that no `advance` releases what was paused or cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from launchers.farm import Farm

if TYPE_CHECKING:
    from campaign.plan import Work

Selection = Mapping[str, Any]


def holds(farm: Farm, campaign: str) -> list[Selection]:
    """The selections of a campaign that are held."""
    document = farm.campaigns.find_one({"_id": campaign}, {"held": 1}) or {}
    return document.get("held", [])


def hold(farm: Farm, campaign: str, selection: Selection) -> None:
    """Hold a selection, once."""
    farm.campaigns.update_one({"_id": campaign}, {"$addToSet": {"held": dict(selection)}})


def release(farm: Farm, campaign: str, selection: Selection) -> None:
    """Let go every held selection that lies within `selection`."""
    for held in holds(farm, campaign):
        if selection.items() <= held.items():
            farm.campaigns.update_one({"_id": campaign}, {"$pull": {"held": held}})


def is_held(work: Work, selections: Iterable[Selection]) -> bool:
    """Whether `work` lies in one of the selections."""
    return any(all(getattr(work, name) == value for name, value in one.items()) for one in selections)


def say(selection: Selection) -> str:
    """As a user would say it: `model hf-dft, seed 1`; empty for the whole campaign."""
    return ", ".join(f"{name} {value}" for name, value in selection.items())
