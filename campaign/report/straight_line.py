"""A straight line in the energy of a lower level, which a model of a difference must beat: its name, note and cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaign.report.page_table import interval
from campaign.report.titles import title_of

NOTE = (
    "Line: without a model of the difference, by a straight line ΔE = constant + slope·E in the energy E of the lower "
    "level alone, which was fitted to the structures that train: phonons of the base model of the same seed, its force "
    "constants times 1 + slope."
)


def line_in(base: str) -> str:
    """What a straight line in the energy of `base` is called."""
    return f"a straight line in E_{title_of(base)}"


def line_cell(row: Mapping[str, Any], digits: int) -> str:
    """From the smallest to the largest over the seeds."""
    return interval([row["line_min_cm1"], row["line_max_cm1"]], digits)
