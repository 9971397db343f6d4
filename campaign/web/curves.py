"""Curves of what runs and of trainings that are done, as panels that a page draws: the seeds of a model and size together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from campaign.planning.work import Work, shown
from campaign.records.outputs import fields
from campaign.steering.status import State, Status
from flows.bulletins import thinned
from launchers.farm import Farm

PANELS, SEEDS = 8, 8  # that are drawn at most; seeds of one panel
POINTS = 60
WIDTH, HEIGHT = 300.0, 110.0
ENERGY, TEMPERATURE, DRIFT, LABELS = "energy_meV_atom", "temperature_K", "drift_meV_atom", "labels_per_hour"
WORDS = {
    ENERGY: "energy error, meV/atom",
    TEMPERATURE: "temperature, K",
    DRIFT: "drift of the total energy, meV/atom",
    LABELS: "labels per hour",
}
ALONG = {ENERGY: "epochs", LABELS: "hours since the first began"}

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Line:
    """One seed, or one level: `points` in the units of the axes, and what is said of it in words."""

    name: str
    running: bool
    points: Points
    text: str


@dataclass(frozen=True)
class Panel:
    """One quantity of one model and size, by seed; of labels of a system, by level."""

    title: str
    quantity: str
    lines: tuple[Line, ...]

    @property
    def is_logarithmic(self) -> bool:
        return self.quantity == ENERGY and all(y > 0 for line in self.lines for _, y in line.points)

    @property
    def limits(self) -> tuple[float, float, float, float]:
        """Of x and of y."""
        xs, ys = zip(*(point for line in self.lines for point in line.points), strict=True)
        return min(xs), max(xs), 0.0 if self.quantity == LABELS else min(ys), max(ys)

    @property
    def along(self) -> str:
        """What its x is."""
        return ALONG.get(self.quantity, "steps")

    @property
    def extent(self) -> str:
        """The limits of both axes, for people."""
        left, right, low, high = map(_short, self.limits)
        return f"{low} to {high}; {self.along}: {left} to {right}"

    def drawn(self, line: Line) -> str:
        """The `points` of a polyline in a box of `WIDTH` x `HEIGHT`."""
        left, right, low, high = self.limits
        scale = math.log if self.is_logarithmic else float
        bottom, top = scale(low), scale(high)
        return " ".join(f"{WIDTH * _share(x, left, right):.1f},{HEIGHT * (1 - _share(scale(y), bottom, top)):.1f}" for x, y in line.points)


@dataclass
class Curves:
    """Of one farm: those of finished trainings are read once."""

    farm: Farm
    _done: dict[str, Points] = field(default_factory=dict)

    def panels(self, status: Status, told: Mapping[str, Mapping[str, Any]], works: Iterable[Work]) -> tuple[list[Panel], int]:
        """Those of `works`, with what runs first, and how many more there would be."""
        groups: dict[tuple[str, str, str, str], list[Work]] = {}
        for work in sorted(works, key=lambda one: one.key not in told):
            if work.key in told or (work.stage == "train" and status.states[work.key] is State.DONE):
                groups.setdefault((work.stage, work.system, work.model, work.size), []).append(work)
        drawn = [group[:SEEDS] for group in groups.values()][:PANELS]
        self._read(work.key for group in drawn for work in group if work.key not in told)
        found = [panel for group in drawn for panel in self._of(group, told)]
        return found, max(0, len(groups) - PANELS)

    def _read(self, keys: Iterable[str]) -> None:
        new = [key for key in keys if key not in self._done]
        for key, record in fields(self.farm, new, "learning_curve").items():
            curve = record["learning_curve"] or ()
            self._done[key] = _points([one["epoch"] for one in curve], [one.get(ENERGY) for one in curve])

    def _of(self, group: list[Work], told: Mapping[str, Mapping[str, Any]]) -> Iterable[Panel]:
        for quantity in (ENERGY,) if group[0].stage == "train" else (TEMPERATURE, DRIFT):
            lines = [line for work in group if (line := self._line(work, quantity, told.get(work.key))).points]
            if lines:
                title = f"{group[0].stage} {shown(group[0].model)} of {group[0].system}" + (f", {group[0].size}" if group[0].size else "")
                yield Panel(title, quantity, tuple(lines))

    def _line(self, work: Work, quantity: str, news: Mapping[str, Any] | None) -> Line:
        name = "" if work.seed is None else f"seed {work.seed}"
        if news is None:
            points = self._done.get(work.key, ())
            return Line(name, False, points, f"{name}: done, {points[-1][1]:.3g} in the last epoch" if points else "")
        series = news.get("series", {})
        points = _points(series.get(news["unit"], ()), series.get(quantity, ()))
        part = f", {news['part']}" if news.get("part") else ""
        said = f"{name or 'it'}{part}: {news['unit']} {news['done']} of {news['total']}"
        return Line(name, True, points, f"{said}, now {points[-1][1]:.3g}" if points else said)


def _points(xs: Sequence[float], ys: Sequence[float | None]) -> Points:
    both = [(float(x), float(y)) for x, y in zip(xs, ys, strict=False) if y is not None and math.isfinite(y)]
    return tuple(thinned(both, POINTS))


def _short(value: float) -> str:
    """Three digits, and no power of ten where a person would write none."""
    return f"{value:.0f}" if 1000 <= abs(value) < 1e6 or value == round(value) else f"{value:.3g}"


def _share(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5
