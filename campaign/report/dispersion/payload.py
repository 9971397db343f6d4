"""What figures of bands show: areas over the seeds and lines, panel by panel, on the path that they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from campaign.report.document import Absent, Figure, Marker, Payload, SeedSet
from campaign.report.qpoints import NamedPoint, PointCoverage
from campaign.report.user_references import ReferenceDensity, ReferenceSeries
from flows.records import Bands, DensityOfStates

Rows = tuple[tuple[float, ...], ...]


class DosArea(Payload):
    """Smallest and largest density of states over the seeds."""

    frequencies_cm1: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class PointError(Payload):
    """One standard error of a band at a named point, about the middle of its seeds."""

    label: str
    frequency_cm1: float
    error_cm1: float


class Area(SeedSet):
    """The seed spread of a model: smallest and largest frequency of each band, per segment (q-points x bands).

    `errors` is of sums with force constants alone: what their labels leave open joined with the spread.
    """

    low_cm1: tuple[Rows, ...]
    high_cm1: tuple[Rows, ...]
    dos: DosArea
    errors: tuple[PointError, ...] = ()


class Line(Payload):
    """One set of bands: a level's own phonons (`direct`), one seed, or the mean over the seeds of a `base`.

    `source`: where phonons come from that the campaign has not computed.
    """

    kind: Literal["direct", "seed", "base"]
    model: str
    title: str
    seed: int | None = None
    learned: bool = True
    frequencies_cm1: tuple[Rows, ...]
    dos: DensityOfStates | None = None
    source: str = ""


class Tick(NamedPoint):
    """Where a point is on the axis."""

    position: float


class Axis(Payload):
    """The path that all panels of a system share: `distances` per segment, and its named points."""

    distances: tuple[tuple[float, ...], ...]
    ticks: tuple[Tick, ...]

    @classmethod
    def of(cls, bands: Bands, coverage: Sequence[PointCoverage]) -> Self:
        return cls(distances=bands.distances, ticks=_ticks(bands, coverage))


class Panel(Payload):
    """Areas and lines that are drawn over each other."""

    letter: str
    areas: tuple[Area, ...] = ()
    lines: tuple[Line, ...] = ()


class DispersionFigure(Figure):
    """Bands, panel by panel, on one axis of frequencies.

    `series` and `densities` are what the user gave to compare with. `range_cm1` is what is shown; `clipped` names
    the models that leave it.
    """

    size: str
    training_cell: str
    phonon_cell: str
    axis: Axis
    coverage: tuple[PointCoverage, ...]
    panels: tuple[Panel, ...]
    markers: tuple[Marker, ...] = ()
    series: tuple[ReferenceSeries, ...] = ()
    densities: tuple[ReferenceDensity, ...] = ()
    absent: tuple[Absent, ...] = ()
    range_cm1: tuple[float, float]
    clipped: tuple[str, ...] = ()

    def placed_errors(self, area: Area) -> tuple[tuple[float, PointError], ...]:
        """The errors of an area with the positions on the axis at which their points are."""
        ticks, errors = self.axis.ticks, area.errors
        return tuple((tick.position, one) for tick in ticks for one in errors if one.label in tick.label.split("|"))


def _ticks(bands: Bands, coverage: Sequence[PointCoverage]) -> tuple[Tick, ...]:
    """Both ends of each segment; ends that meet are one tick (`X`), two points at one place are `U|K`."""
    found: dict[float, list[str]] = {}
    for (first, last), distances in zip(bands.labels, bands.distances, strict=True):
        for label, where in ((first, distances[0]), (last, distances[-1])):
            names = found.setdefault(round(where, 9), [])
            if label not in names:
                names.append(label)
    lost = {one.label for one in coverage if not one.held}
    interpolated = {one.label for one in coverage if not one.held_by_phonons}
    return tuple(
        Tick(
            label="|".join(names),
            position=where,
            held=lost.isdisjoint(names),
            held_by_phonons=interpolated.isdisjoint(names),
        )
        for where, names in found.items()
    )
