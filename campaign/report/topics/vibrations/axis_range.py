"""Which frequencies and densities are shown of MD: all, unless what has not learned, or is sharp, would squeeze the others flat."""

from __future__ import annotations

from collections.abc import Sequence

from campaign.report.topics.vibrations.payload import VibrationsPanel
from campaign.report.user_references import ReferenceDensity

ABOVE = 1.25  # of the largest frequency of what has learned
SEEN = 5e-3  # of the highest value of a density of states: what is lower is not looked for
HEADROOM = 1.06
SHARP = 1.5  # times the highest value of what is broadened is shown of what is not


def frequency_reach(panels: Sequence[VibrationsPanel]) -> tuple[tuple[float, float], tuple[str, ...]]:
    """From 0 to what has states (cm^-1), and the names of models that leave it."""
    ends = {(panel.name, panel.element): _end(panel) for panel in panels}
    learned = [_end(panel) for panel in panels if panel.learned] or list(ends.values())
    end = min(max(ends.values()), ABOVE * max(learned)) * HEADROOM
    last = max(panel.frequencies_cm1[-1] for panel in panels)
    clipped = [name for (name, _), own in ends.items() if own > end]
    return (0.0, round(min(end, last), 3)), tuple(dict.fromkeys(clipped))


def density_reach(
    panels: Sequence[VibrationsPanel], densities: Sequence[ReferenceDensity] = ()
) -> tuple[float, bool]:
    """Up to what density is shown, and whether more is cut: sharp peaks of a mesh would press the lines flat."""
    broad = max(max(one.high) for panel in panels for one in (panel.md, panel.harmonic) if one is not None)
    meshes = [one.total for panel in panels for one in (panel.mesh, panel.reference) if one is not None]
    sharp = max((max(total) for total in (*meshes, *(one.total for one in densities))), default=0.0)
    highest = min(max(broad, sharp), SHARP * broad)
    return float(f"{HEADROOM * highest:.6g}"), sharp > HEADROOM * highest


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
