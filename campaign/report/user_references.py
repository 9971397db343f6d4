"""References that the user gave, as figures have them: values on the path of the bands, densities of states."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from campaign.references.files import Frequency
from campaign.references.user_files import UserReferences
from campaign.report.document import Payload
from flows.records import Bands

SYMBOLS = ("circles", "squares", "triangles", "diamonds")


class ReferencePoint(Payload):
    """A value that the user gave, at its `position` on the axis; `where` as the file has it."""

    position: float
    frequency_cm1: float
    error_cm1: float | None = None
    branch: str = ""
    where: str


class ReferenceSeries(Payload):
    """The values of one source, drawn as one kind of symbol."""

    title: str
    source: str
    symbol: str
    points: tuple[ReferencePoint, ...]


class ReferenceDensity(Payload):
    """A density of states that the user gave, times `factor`, so that its area is 3N of the primitive cell, or of
    the atoms of one `element`."""

    title: str
    source: str
    element: str = ""
    factor: float
    frequencies_cm1: tuple[float, ...]
    total: tuple[float, ...]


def series_on(given: UserReferences, bands: Bands) -> tuple[ReferenceSeries, ...]:
    """The values of each source where they stand on the axis of `bands`: at each end or segment of that name."""
    return tuple(
        ReferenceSeries(
            title=one.title,
            source=one.source,
            symbol=symbol,
            points=tuple(point for value in one.values for point in _placed(value, bands)),
        )
        for one, symbol in zip(given.series, cycle(SYMBOLS), strict=False)
    )


def densities_of(given: UserReferences, by_element: bool = False) -> tuple[ReferenceDensity, ...]:
    """The densities of states, scaled to the area of the models': those of all atoms, or those of one element."""
    return tuple(
        ReferenceDensity(
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


def _placed(value: Frequency, bands: Bands) -> Iterator[ReferencePoint]:
    for position in dict.fromkeys(_positions(value, bands)):
        yield ReferencePoint(
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
