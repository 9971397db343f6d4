"""Which frequencies a figure shows: all, unless a model that has not learned would squeeze the others flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from campaign.report.dispersion.payload import GivenDensity, Panel, Rows, VibrationsPanel

ABOVE = 1.25  # of the largest frequency of what has learned
BELOW = -0.3
SEEN = 5e-3  # of the highest value of a density of states: what is lower is not looked for
HEADROOM = 1.06
SHARP = 1.5  # times the highest value of what is broadened is shown of what is not
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


def frequency_reach(panels: Sequence[VibrationsPanel]) -> tuple[tuple[float, float], tuple[str, ...]]:
    """From 0 to what has states (cm^-1), and the names of models that leave it."""
    ends = {(panel.name, panel.element): _end(panel) for panel in panels}
    learned = [_end(panel) for panel in panels if panel.learned] or list(ends.values())
    end = min(max(ends.values()), ABOVE * max(learned)) * HEADROOM
    last = max(panel.frequencies_cm1[-1] for panel in panels)
    clipped = [name for (name, _), own in ends.items() if own > end]
    return (0.0, round(min(end, last), 3)), tuple(dict.fromkeys(clipped))


def density_reach(
    panels: Sequence[VibrationsPanel], densities: Sequence[GivenDensity] = ()
) -> tuple[float, bool]:
    """Up to what density is shown, and whether more is cut: sharp peaks of a mesh would press the lines flat."""
    broad = max(max(one.high) for panel in panels for one in (panel.md, panel.harmonic) if one is not None)
    meshes = [one.total for panel in panels for one in (panel.mesh, panel.reference) if one is not None]
    sharp = max((max(total) for total in (*meshes, *(one.total for one in densities))), default=0.0)
    highest = min(max(broad, sharp), SHARP * broad)
    return float(f"{HEADROOM * highest:.6g}"), sharp > HEADROOM * highest


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


def _end(panel: VibrationsPanel) -> float:
    """Up to where any curve has states that can be seen."""
    curves = [(panel.frequencies_cm1, panel.md.high)]
    curves += [(panel.frequencies_cm1, panel.harmonic.high)] if panel.harmonic else []
    curves += [(one.frequencies_cm1, one.total) for one in (panel.mesh, panel.reference) if one is not None]
    return max(
        (
            f
            for grid, values in curves
            for f, value in zip(grid, values, strict=True)
            if value > SEEN * max(values)
        ),
        default=panel.frequencies_cm1[-1],
    )
