"""Holds: which parts of a campaign are not to go on until somebody resumes them.

The campaign's document keeps its selections, so that no `advance` releases what was paused or cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from campaign.records.campaigns import Selection

if TYPE_CHECKING:
    from campaign.planning.plan import Work


def is_held(work: Work, selections: Iterable[Selection]) -> bool:
    """Whether `work` lies in one of the selections."""
    return any(all(getattr(work, name) == value for name, value in one.items()) for one in selections)


def say(selection: Selection) -> str:
    """As a user would say it: `model hf-dft, seed 1`; empty for the whole campaign."""
    return ", ".join(f"{name} {value}" for name, value in selection.items())
