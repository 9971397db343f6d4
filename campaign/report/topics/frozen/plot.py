"""Frozen phonons on a screen: a row for each model, dots for its seeds, a line at the frozen phonon of its level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from campaign.report.ink.dispersion_plot import CM1, EXPERIMENT
from campaign.report.ink.plot import (
    BESIDE,
    INKED,
    MODELS,
    REFERENCES,
    SEEDS,
    Plot,
    Switch,
    Trace,
    axis,
    paint_of,
    stroke,
    trace,
)
from campaign.report.topics.frozen.payload import FrozenFigure, FrozenLevel, FrozenModes
from campaign.report.typeset import typeset

FROZEN = Switch(BESIDE, "frozen phonon, by the engine", str(REFERENCES))
LINE = Switch(BESIDE, "straight line alone", str(INKED))
ITSELF = Switch(BESIDE, "level itself, phonon supercell", str(REFERENCES))
ROW = 38  # pixels


def frozen_plot(payload: FrozenFigure) -> Plot:
    """Frequencies; differences to the frozen phonon are said where one points."""
    rows = [(level, one) for level in payload.levels for one in level.models]
    names = [_row(one) for _, one in rows]
    traces = [made for level, one in rows for made in _dots(level, one)]
    traces += [made for level in payload.levels for made in _level(level)]
    traces += [_measured(one.value_cm1, f"{one.title}: {one.value_cm1:g} {CM1}<br>{one.source}", names) for one in payload.markers]
    used = {switch for one in traces for switch in one["meta"]["switches"]}
    seeds = sorted({seed for _, one in rows for seed in one.seeds})
    return Plot(
        traces=tuple(traces),
        layout={
            "xaxis": axis("optical mode at Γ (cm^-1)", range=list(payload.range_cm1)),
            "yaxis": axis("", categoryarray=names[::-1], categoryorder="array", automargin=True),
            "height": 130 + ROW * max(len(rows), 2),
        },
        switches=(
            *(Switch(MODELS, one.name, str(paint_of(one.model))) for _, one in rows),
            *(Switch(SEEDS, str(seed)) for seed in seeds),
            *(one for one in (FROZEN, LINE, ITSELF, EXPERIMENT) if one.id in used),
        ),
        said=_said(payload),
    )


def _said(payload: FrozenFigure) -> str:
    """The caption is that of the picture with two panels."""
    measured = "; experiment is the dotted line, not ×" if payload.markers else ""
    return f"It shows (a){measured}; (b), the distance from the frozen phonon, is said of each dot that you point at."


def _row(one: FrozenModes) -> str:
    return typeset(f"{one.name}, {one.size}")


def _dots(level: FrozenLevel, one: FrozenModes) -> Iterator[Trace]:
    """A trace for each seed, so that it can be switched off."""
    paint, model = paint_of(one.model), Switch(MODELS, one.name)
    for seed, value in zip(one.seeds, one.values_cm1, strict=True):
        marker: dict[str, Any] = {"symbol": "circle" if one.learned else "circle-open", "size": 9, "color": str(paint)}
        yield _dot(f"{one.name}, seed {seed}", (value, level.frozen_cm1), _row(one), [model, Switch(SEEDS, str(seed))], marker)
    for seed, value in zip(one.seeds, one.line_cm1, strict=False):
        marker = {"symbol": "line-ns", "size": 12, "line": {"width": 2, "color": str(INKED)}}
        yield _dot(f"straight line, seed {seed}", (value, level.frozen_cm1), _row(one), [model, Switch(SEEDS, str(seed)), LINE], marker)


def _dot(name: str, values: tuple[float, float], row: str, switches: list[Switch], marker: dict[str, Any]) -> Trace:
    value, frozen = values
    text = f"%{{x:.1f}} {CM1}, {value - frozen:+.1f} from the frozen phonon<extra>{typeset(name)}</extra>"
    return trace(name, [value], [row], switches, mode="markers", marker=marker, hovertemplate=text)


def _level(level: FrozenLevel) -> Iterator[Trace]:
    """Through the rows of its models."""
    rows = [_row(one) for one in level.models]
    if not rows:
        return
    text = f"{level.title}, frozen phonon: %{{x:.1f}} {CM1}<extra></extra>"
    style = {"mode": "lines+markers", "marker": {"symbol": "line-ns", "size": 26, "line": {"width": 3, "color": str(REFERENCES)}}}
    yield trace(level.title, [level.frozen_cm1] * len(rows), rows, [FROZEN], hovertemplate=text, line=stroke(REFERENCES, "-", 3), **style)
    if level.direct_cm1 is not None:
        diamond = {"symbol": "diamond-open", "size": 10, "color": str(REFERENCES)}
        yield _dot(f"{level.title} itself", (level.direct_cm1, level.frozen_cm1), rows[0], [ITSELF], diamond)


def _measured(value: float, text: str, rows: list[str]) -> Trace:
    return trace("experiment", [value] * len(rows), rows, [EXPERIMENT], line=stroke(INKED, ":", 1.2), hovertemplate=f"{text}<extra></extra>")
