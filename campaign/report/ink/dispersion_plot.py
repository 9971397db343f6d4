"""Bands on a screen, as far as plots of them are alike: one axis of frequencies, named points, what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from campaign.report.dispersion.payload import DispersionFigure, Rows
from campaign.report.ink.plot import (
    BESIDE,
    GUIDES,
    INKED,
    UNHELD,
    Paint,
    Switch,
    Trace,
    axis,
    stroke,
    trace,
)

EXPERIMENT = Switch(BESIDE, "experiment", str(INKED))
SYMBOLS = {"circles": "circle-open", "squares": "square-open", "triangles": "triangle-up-open", "diamonds": "diamond-open"}
CM1 = "cm<sup>−1</sup>"


def modes_name(payload: DispersionFigure) -> str:
    """What modes of these models are called."""
    return f"modes_{payload.system}_{payload.size}"


def band_axes(payload: DispersionFigure, width: float = 1.0) -> dict[str, Any]:
    """The axes of bands, over so much of the width; points that a cell does not hold have dashed lines, as in print."""
    ticks = payload.axis.ticks
    return {
        "xaxis": axis(
            "",
            domain=[0.0, width],
            range=[ticks[0].position, ticks[-1].position],
            tickvals=[one.position for one in ticks],
            ticktext=[one.label + one.mark for one in ticks],
        ),
        "yaxis": axis("frequency (cm^-1)", range=list(payload.range_cm1)),
        "shapes": [_guide(one.position) for one in ticks if one.mark] + ([_zero()] if payload.range_cm1[0] < 0 else []),
    }


def strokes(payload: DispersionFigure, blocks: Sequence[Rows]) -> tuple[list[Any], list[Any]]:
    """Distances and frequencies of all bands, segment by segment and band by band, with None between them."""
    x: list[Any] = []
    y: list[Any] = []
    for distances, block in zip(payload.axis.distances, blocks, strict=True):
        for band in zip(*block, strict=True):
            x += [*distances, None]
            y += [*band, None]
    return x, y


def path_meta(payload: DispersionFigure, blocks: Sequence[Rows], model: str) -> dict[str, Any]:
    """What it takes to find the mode of a point that was clicked: the script counts as `strokes` does."""
    counts = [len(one) for one in payload.axis.distances]
    return {"path": {"model": model, "counts": counts, "bands": len(blocks[0][0])}}


def marks(payload: DispersionFigure) -> Iterator[Trace]:
    """Measured values at named points, and what the user gave, with bars where errors were stated."""
    for one in payload.markers:
        where = [tick.position for tick in payload.axis.ticks if one.label in tick.label.split("|")]
        text = f"{one.title}: {one.value_cm1:g} {CM1}<br>{one.source}"
        cross = {"symbol": "x-thin", "size": 9, "line": {"width": 2, "color": str(INKED)}}
        yield trace("experiment", where, [one.value_cm1] * len(where), [EXPERIMENT], mode="markers", marker=cross, hovertemplate=f"{text}<extra></extra>")
    for given in payload.series:
        errors = [point.error_cm1 or 0.0 for point in given.points]
        yield trace(
            given.title,
            [point.position for point in given.points],
            [point.frequency_cm1 for point in given.points],
            [_given(given.title)],
            mode="markers",
            marker={"symbol": SYMBOLS[given.symbol], "size": 7, "color": str(INKED)},
            hovertemplate=f"%{{y:.1f}} {CM1}<extra>{given.title}</extra>",
            **({"error_y": {"type": "data", "array": errors, "thickness": 1, "color": str(INKED)}} if any(errors) else {}),
        )


def mark_switches(payload: DispersionFigure) -> Iterator[Switch]:
    """Of `marks`."""
    if payload.markers:
        yield EXPERIMENT
    yield from (_given(one.title) for one in payload.series)


def _given(title: str) -> Switch:
    return Switch(BESIDE, title, str(INKED))


def _guide(position: float) -> dict[str, Any]:
    place = {"x0": position, "x1": position, "y0": 0, "y1": 1, "yref": "paper"}
    return {"type": "line", "layer": "below", **place, "line": stroke(UNHELD, "--", 1)}


def _zero() -> dict[str, Any]:
    place = {"x0": 0, "x1": 1, "xref": "paper", "y0": 0, "y1": 0}
    return {"type": "line", "layer": "below", **place, "line": stroke(Paint(GUIDES.light, GUIDES.dark), "-", 1)}
