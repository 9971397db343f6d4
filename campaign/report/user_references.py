"""References that the user gave, as figures, captions and tables have them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from campaign.references.files import Frequency
from campaign.references.given import Density, Given, Series
from campaign.report.dispersion.payload import BandsFigure, GivenDensity, GivenPoint, GivenSeries
from campaign.results.tables.phonons import degenerate
from flows.records import Bands, PhononFacts

SYMBOLS = ("circles", "squares", "triangles", "diamonds")
CERTAINTY = "given by the user"


def series_on(given: Given, bands: Bands) -> tuple[GivenSeries, ...]:
    """The values of each source where they stand on the axis of `bands`: at each end or segment of that name."""
    return tuple(
        GivenSeries(
            title=one.title,
            source=one.source,
            symbol=symbol,
            points=tuple(point for value in one.values for point in _placed(value, bands)),
        )
        for one, symbol in zip(given.series, cycle(SYMBOLS), strict=False)
    )


def densities_of(given: Given, by_element: bool = False) -> tuple[GivenDensity, ...]:
    """The densities of states, scaled to the area of the models': those of all atoms, or those of one element."""
    return tuple(
        GivenDensity(
            title=one.title,
            source=one.source,
            element=one.element,
            factor=one.factor,
            frequencies_cm1=one.frequencies_cm1,
            total=one.density,
        )
        for one in given.densities
        if bool(one.element) == by_element
    )


def given_text(figure: BandsFigure) -> Iterator[str]:
    """What a caption says of them."""
    for one in figure.series:
        bars = "; bars: errors as stated" if any(point.error_cm1 for point in one.points) else ""
        yield f"{one.symbol.capitalize()}: {one.title} ({one.source}){bars}."
    for density in figure.densities if figure.kind == "bands" else ():
        yield (
            f"Dotted in the densities of states: {density.title} ({density.source}), times {density.factor:.4g}, so that "
            "its area is that of all modes."
        )


def given_rows(system: str, given: Given) -> Iterator[dict[str, str]]:
    """Rows of the table of references, as `campaign.report.page_table` groups them."""
    for level, record in given.levels.items():
        yield from (row | {"system": system} for row in _level_rows(level, record))
    for series in given.series:
        yield from (row | {"system": system} for row in _series_rows(series))
    for density in given.densities:
        yield _density_row(density) | {"system": system}


def _placed(value: Frequency, bands: Bands) -> Iterator[GivenPoint]:
    for position in dict.fromkeys(_positions(value, bands)):
        yield GivenPoint(
            position=position,
            frequency_cm1=value.frequency_cm1,
            error_cm1=value.error_cm1,
            branch=value.branch,
            where=value.where,
        )


def _positions(value: Frequency, bands: Bands) -> Iterator[float]:
    for labels, distances in zip(bands.labels, bands.distances, strict=True):
        start, end = distances[0], distances[-1]
        if value.along is None:
            yield from (
                round(place, 9)
                for label, place in zip(labels, (start, end), strict=True)
                if label == value.point
            )
        elif value.along in (labels, labels[::-1]):
            fraction = value.fraction if value.along == labels else 1 - value.fraction
            yield start + (end - start) * fraction


def _level_rows(level: str, record: PhononFacts) -> Iterator[dict[str, str]]:
    source = record.source or "a file"
    for point, frequencies in record.points_cm1.items():
        modes = degenerate([frequencies])
        texts = (
            f"{round(frequencies[mode[0]]) + 0}" + (f" ×{len(mode)}" if len(mode) > 1 else "")
            for mode in modes
        )
        yield _row(point, level.upper(), ", ".join(texts), "calculation", source)


def _series_rows(series: Series) -> Iterator[dict[str, str]]:
    """Each value at a named point; those along the path by their number."""
    for one in series.values:
        if one.point is not None:
            error = f" ± {one.error_cm1:g}" if one.error_cm1 else ""
            name = f"{series.title}{f' {one.branch}' if one.branch else ''}"
            yield _row(one.point, name, f"{one.frequency_cm1:g}{error}", "", series.source)
    along = [one.frequency_cm1 for one in series.values if one.point is None]
    if along:
        what = f"{series.title}, {len(along)} {'values' if len(along) > 1 else 'value'} along the path"
        yield _row(what, what, f"{min(along):g}…{max(along):g}", "", series.source)


def _density_row(density: Density) -> dict[str, str]:
    of = f" of {density.element}" if density.element else ""
    what = f"{density.title}, density of states{of}, times {density.factor:.4g}"
    extent = f"{density.frequencies_cm1[0]:g}…{density.frequencies_cm1[-1]:g}"
    return _row(what, what, extent, "", density.source)


def _row(where: str, what: str, cm1: str, kind: str, source: str) -> dict[str, str]:
    return {
        "where": where,
        "what": what,
        "cm1": cm1,
        "kind": kind or "given",
        "source": source,
        "certainty": CERTAINTY,
    }
