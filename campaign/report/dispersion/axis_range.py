"""Which frequencies figures of bands show: all, unless a model that has not learned would squeeze the others flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from campaign.report.dispersion.payload import Panel, Rows

ABOVE = 1.25  # of the largest frequency of what has learned
BELOW = -0.3
NOISE_CM1 = -1.0  # acoustic modes at Γ are not exactly zero


def frequency_range(
    panels: Sequence[Panel], values: Iterable[float] = ()
) -> tuple[tuple[float, float], tuple[str, ...]]:
    """The range in cm^-1, and the titles of what leaves it. Imaginary frequencies are below zero."""
    every = list(_extents(panels))
    learned = [extent for extent, _, fit in every if fit] or [extent for extent, _, _ in every]
    top = max(chain((high for _, high in learned), values))
    low = min(min(low for low, _ in learned), max(min(low for (low, _), _, _ in every), BELOW * top))
    high = min(max(high for (_, high), _, _ in every), ABOVE * top)
    shown = (_padded(low, top), max(high, top) * 1.04)
    clipped = [title for (least, most), title, _ in every if least < shown[0] or most > shown[1]]
    return shown, tuple(dict.fromkeys(clipped))


def _extents(panels: Sequence[Panel]) -> Iterator[tuple[tuple[float, float], str, bool]]:
    for panel in panels:
        for area in panel.areas:
            yield (_least(area.low_cm1), _most(area.high_cm1)), area.name, area.learned
        for line in panel.lines:
            title = line.title if line.learned else f"{line.title}, not learned"
            yield (_least(line.frequencies_cm1), _most(line.frequencies_cm1)), title, line.learned


def _padded(low: float, top: float) -> float:
    return low - 0.03 * top if low < NOISE_CM1 else min(low, 0.0)


def _least(blocks: Sequence[Rows]) -> float:
    return min(value for block in blocks for row in block for value in row)


def _most(blocks: Sequence[Rows]) -> float:
    return max(value for block in blocks for row in block for value in row)
