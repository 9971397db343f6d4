"""The caption of bands: what areas and lines are, and what is not there."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.dispersion.caption import (
    dispersion_alt,
    dispersion_methods,
    dispersion_notes,
    level_itself,
)
from campaign.report.dispersion.payload import Line, Panel
from campaign.report.dispersion.source import DispersionSource
from campaign.report.document import Caption
from campaign.report.seed_text import seeds_text
from campaign.report.titles import listed
from campaign.report.topics.bands.payload import BandsFigure


def bands_caption(figure: BandsFigure, source: DispersionSource) -> Caption:
    """The caption of seed spreads."""
    first = (
        f"Phonon dispersions and harmonic densities of states of {figure.system}, training sets of size {figure.size}. "
        "Areas: from the smallest to the largest value over the training seeds, for every band (sorted by frequency) "
        "at every q-point, and for the density of states (per primitive cell)."
    )
    alone = list(dict.fromkeys(area.title for panel in figure.panels for area in panel.areas if len(area.seeds) == 1))
    first += f" Of one seed a line is drawn, pale where it has not learned, and no spread is known: {listed(alone)}." if alone else ""
    if any(area.errors for panel in figure.panels for area in panel.areas):
        first += (
            " Bars at the named points, of sums with force constants: one standard error, which joins what the labels leave "
            "open with the spread of the base over its seeds."
        )
    panels = (f"({panel.letter}) {'; '.join(_contents(panel))}." for panel in figure.panels)
    return Caption.of([first, *panels, *dispersion_notes(figure, _densities(figure))], dispersion_methods(source))


def bands_alt(figure: BandsFigure) -> str:
    """What a screen reader says."""
    what = "Phonon bands with seed spread and densities of states"
    return dispersion_alt(figure, what, (area.name for panel in figure.panels for area in panel.areas))


def _densities(figure: BandsFigure) -> Iterator[str]:
    """What the user gave, in the densities of states."""
    for density in figure.densities:
        yield (
            f"Dotted in the densities of states: {density.title} ({density.source}), times {density.factor:.4g}, so that "
            "its area is that of all modes."
        )


def _contents(panel: Panel) -> Iterator[str]:
    for area in panel.areas:
        yield (
            f"{area.name}: {seeds_text(area)}"
            + (f", {area.learned_seeds} of {len(area.seeds)} learned" if not area.learned else "")
            + (f"; {area.unstable}{' (the worst seed)' if len(area.seeds) > 1 else ''}" if area.unstable else "")
        )
    for line in panel.lines:
        yield _line(line)


def _line(line: Line) -> str:
    if line.kind == "base":
        return f"dashed: {line.title}, mean over its seeds (phonons of the level itself were not computed)"
    return f"line: {level_itself(line)}"
