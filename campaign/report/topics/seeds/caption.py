"""The caption of every seed by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from campaign.report.dispersion.caption import (
    dispersion_alt,
    dispersion_methods,
    dispersion_notes,
    level_itself,
)
from campaign.report.dispersion.payload import Line
from campaign.report.dispersion.source import DispersionSource
from campaign.report.document import Caption
from campaign.report.seed_text import missing_text
from campaign.report.topics.seeds.payload import SeedsFigure


def seeds_caption(figure: SeedsFigure, source: DispersionSource) -> Caption:
    """The caption of every seed by itself."""
    first = (
        f"Phonon dispersions of {figure.system}, training sets of size {figure.size}: a line for every seed."
    )
    panels = (
        f"({panel.letter}) {_seeds(panel.lines, source.groups[panel.lines[0].model].missing)}."
        for panel in figure.panels
    )
    pale = any(not line.learned for panel in figure.panels for line in panel.lines)
    first += " Pale: not learned." if pale else ""
    return Caption.of([first, *panels, *dispersion_notes(figure)], dispersion_methods(source))


def seeds_alt(figure: SeedsFigure) -> str:
    """What a screen reader says."""
    titles = (line.title for panel in figure.panels for line in panel.lines)
    return dispersion_alt(figure, "Phonon bands of every seed", titles)


def _seeds(lines: Sequence[Line], missing: Mapping[int, str]) -> str:
    seeds = [
        f"{line.seed}{'' if line.learned else ' (not learned)'}" for line in lines if line.kind == "seed"
    ]
    drawn = f"{lines[0].title}: {'seeds' if len(seeds) > 1 else 'seed'} {', '.join(seeds)}{missing_text(missing)}"
    direct = [
        f"; dashed: {level_itself(line)}" for line in lines if line.kind == "direct"
    ]
    return drawn + "".join(direct)
