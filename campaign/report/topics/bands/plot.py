"""Bands on a screen: the models of all panels over each other, densities of states beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from campaign.report.dispersion.payload import Area, Line
from campaign.report.ink.dispersion_plot import (
    CM1,
    band_axes,
    mark_switches,
    marks,
    modes_name,
    path_meta,
    strokes,
)
from campaign.report.ink.plot import (
    BESIDE,
    INKED,
    MODELS,
    PALE,
    REFERENCES,
    Plot,
    Switch,
    Trace,
    area,
    axis,
    between,
    paint_of,
    stroke,
    trace,
)
from campaign.report.ink.style import look
from campaign.report.topics.bands.payload import BandsFigure

WIDTH = 0.78  # of the bands
AT_FIRST = 3  # so many models are shown; of more, the first and the last that have learned


def bands_plot(payload: BandsFigure) -> Plot:
    """Every model has a switch; every level itself, and the mean of a base, another."""
    areas = {one.model: (panel.letter, one) for panel in payload.panels for one in panel.areas}
    named = {model: _area_switch(one, letter, [other for _, other in areas.values()]) for model, (letter, one) in areas.items()}
    lines = list({_line_switch(one): one for panel in payload.panels for one in panel.lines}.values())
    switches = [*named.values(), *map(_line_switch, lines)]
    return Plot(
        traces=(
            *(made for _, one in areas.values() for made in _area(payload, one, named[one.model])),
            *(made for one in lines for made in _line(payload, one)),
            *_given_densities(payload),
            *marks(payload),
        ),
        layout={
            **band_axes(payload, WIDTH),
            "xaxis2": axis("DOS", domain=[WIDTH + 0.02, 1.0], rangemode="tozero", nticks=3, showticklabels=False),
        },
        switches=(*switches, *(Switch(BESIDE, one.title, str(INKED)) for one in payload.densities), *mark_switches(payload)),
        modes=modes_name(payload),
        said=_said(payload, lines),
    )


def _said(payload: BandsFigure, lines: Iterable[Line]) -> str:
    """The caption is that of the picture, with a panel for each model."""
    panels = "All panels are in one plot" if len(payload.panels) > 1 else ""
    means = "the mean of the base is off at first" if any(one.kind == "base" for one in lines) else ""
    said = "; ".join(filter(None, (panels, means)))
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _area_switch(one: Area, letter: str, areas: list[Area]) -> Switch:
    """With the letter that the caption has."""
    learned = [other for other in areas if other.learned] or areas
    shown = areas if len(areas) <= AT_FIRST else [learned[0], learned[-1]]
    return Switch(MODELS, f"{letter}) {one.name}", str(paint_of(one.model)), on=one in shown)


def _line_switch(one: Line) -> Switch:
    name = f"{one.title}, mean" if one.kind == "base" else f"{one.title} itself"
    return Switch(BESIDE, name, str(REFERENCES), on=one.kind == "direct")


def _area(payload: BandsFigure, one: Area, switch: Switch) -> Iterator[Trace]:
    paint, dash, alone = paint_of(one.model), look(one.model).dash, len(one.seeds) == 1
    x, low = strokes(payload, one.low_cm1)
    _, high = strokes(payload, one.high_cm1)
    meta = path_meta(payload, one.low_cm1, one.model)
    dos = one.dos
    if not alone:
        yield area(one.name, *_outlines(payload, one), [switch], paint, one.learned)
        yield area(one.name, *_turned(*between(dos.frequencies_cm1, dos.low, dos.high)), [switch], paint, one.learned) | _BESIDE
    style: dict[str, Any] = {"line": stroke(paint, dash, 1.4 if alone else 0.9), "opacity": 1.0 if one.learned else PALE}
    value = f"%{{y:.1f}} {CM1}" if alone else f"%{{customdata:.1f}}…%{{y:.1f}} {CM1}"
    ends = [(high, low, value)] if alone else [(high, low, value), (low, high, f"%{{y:.1f}}…%{{customdata:.1f}} {CM1}")]
    for y, other, text in ends:
        beside = {} if alone else {"customdata": other}
        yield trace(one.name, x, y, [switch], meta=meta, hovertemplate=text, **beside, **style)
    if placed := payload.placed_errors(one):
        where, errors = zip(*placed, strict=True)
        bars = {"type": "data", "array": [error.error_cm1 for error in errors], "color": str(paint), "thickness": 1.2}
        said = f"%{{y:.1f}} ± %{{error_y.array:.1f}} {CM1}"
        middle = [error.frequency_cm1 for error in errors]
        dot = {"color": str(paint), "size": 3}
        yield trace(one.name, where, middle, [switch], mode="markers", marker=dot, error_y=bars, hovertemplate=said)
    for values in [dos.low] if alone else [dos.low, dos.high]:
        yield trace(one.name, values, dos.frequencies_cm1, [switch], hovertemplate=_DENSITY, **style) | _BESIDE


def _line(payload: BandsFigure, one: Line) -> Iterator[Trace]:
    switch, style = _line_switch(one), {"line": stroke(REFERENCES, "--" if one.kind == "base" else "-", 1.2)}
    x, y = strokes(payload, one.frequencies_cm1)
    yield trace(switch.name, x, y, [switch], hovertemplate=f"%{{y:.1f}} {CM1}", **style)
    if one.dos is not None:
        yield trace(switch.name, one.dos.total, one.dos.frequencies_cm1, [switch], hovertemplate=_DENSITY, **style) | _BESIDE


def _given_densities(payload: BandsFigure) -> Iterator[Trace]:
    for one in payload.densities:
        switch = Switch(BESIDE, one.title, str(INKED))
        style = {"line": stroke(INKED, ":"), "hovertemplate": _DENSITY}
        yield trace(one.title, one.total, one.frequencies_cm1, [switch], **style) | _BESIDE


def _outlines(payload: BandsFigure, one: Area) -> tuple[list[Any], list[Any]]:
    x: list[Any] = []
    y: list[Any] = []
    for distances, low, high in zip(payload.axis.distances, one.low_cm1, one.high_cm1, strict=True):
        for below, above in zip(zip(*low, strict=True), zip(*high, strict=True), strict=True):
            xs, ys = between(distances, below, above)
            x, y = [*x, *xs], [*y, *ys]
    return x, y


def _turned(x: list[Any], y: list[Any]) -> tuple[list[Any], list[Any]]:
    return y, x


_BESIDE: Trace = {"xaxis": "x2"}
_DENSITY = f"%{{y:.0f}} {CM1}: %{{x:.4g}} states/{CM1}"
