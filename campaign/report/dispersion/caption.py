"""What captions of bands have in common: marks, ranges, references, and how phonons were computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from campaign.report.dispersion.payload import DispersionFigure, Line
from campaign.report.dispersion.source import DispersionSource
from campaign.report.methods import phonon_methods, training_methods
from campaign.report.qpoints import held_text
from campaign.report.seed_text import absent_text, not_learned_text


def dispersion_alt(figure: DispersionFigure, what: str, names: Iterable[str]) -> str:
    """What a screen reader says of bands."""
    path = "-".join(tick.label for tick in figure.axis.ticks)
    low, high = figure.range_cm1
    return f"{what} of {figure.system} along {path}, {low:.0f} to {high:.0f} cm^-1: {', '.join(dict.fromkeys(names))}."


def dispersion_notes(figure: DispersionFigure, more: Iterable[str] = ()) -> Iterator[str]:
    """What has not learned, which points cells hold, what leaves the range, what is beside models, `more`, what is missing."""
    yield not_learned_text(
        dict.fromkeys(area.title for panel in figure.panels for area in panel.areas if not area.learned)
    )
    yield from held_text(figure.coverage, figure.training_cell, figure.phonon_cell)
    if figure.range_cm1[0] < 0:
        yield "Imaginary frequencies are drawn below zero."
    if figure.clipped:
        low, high = figure.range_cm1
        yield f"Triangles at the edge: {', '.join(figure.clipped)} leave the range shown ({low:.0f} to {high:.0f} cm^-1)."
    for marker in figure.markers:
        yield f"×: {marker.title} at {marker.label}, {marker.value_cm1:g} cm^-1 ({marker.source})."
    yield from _references(figure)
    yield from more
    yield absent_text(figure.absent)


def level_itself(line: Line) -> str:
    """`DFT, phonons of the level itself (source)`."""
    return f"{line.title}, phonons of the level itself" + (f" ({line.source})" if line.source else "")


def dispersion_methods(source: DispersionSource) -> Iterator[str]:
    """How the models were trained and their phonons computed."""
    works = [group.works[0] for group in source.groups.values()]
    yield from training_methods(source.harvest, works)
    yield from phonon_methods(source.crystal, source.harvest, works)


def _references(figure: DispersionFigure) -> Iterator[str]:
    """What the user gave, on the bands."""
    for one in figure.series:
        bars = "; bars: errors as stated" if any(point.error_cm1 for point in one.points) else ""
        yield f"{one.symbol.capitalize()}: {one.title} ({one.source}){bars}."
