"""Densities of states from MD on a screen: models, elements and methods, each with its switch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from campaign.report.ink.dispersion_plot import CM1, EXPERIMENT
from campaign.report.ink.plot import (
    BESIDE,
    INKED,
    MODELS,
    REFERENCES,
    SOFTENED,
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
from campaign.report.topics.vibrations.payload import VibrationsFigure, VibrationsPanel

ELEMENTS = "Elements"
VACF = Switch(BESIDE, "MD (VACF)", str(INKED))
HARMONIC = Switch(BESIDE, "harmonic, q-points of the MD (dashed)", str(INKED))
MESH = Switch(BESIDE, "harmonic, mesh, not broadened (dotted)", str(SOFTENED), on=False)
ITSELF = Switch(BESIDE, "level itself, harmonic", str(REFERENCES))
VALUE = f"%{{x:.0f}} {CM1}: %{{y:.4g}} states/{CM1}"


def vibrations_plot(payload: VibrationsFigure) -> Plot:
    """The first model at first, with all of its elements."""
    traces = [one for panel in payload.panels for one in _panel(panel)]
    traces += [one for panel in payload.panels[:1] for one in _given(payload, panel)]
    used = {switch for one in traces for switch in one["meta"]["switches"]}
    models = dict.fromkeys(_model(panel, on=panel.model == payload.panels[0].model) for panel in payload.panels)
    elements = dict.fromkeys(Switch(ELEMENTS, panel.element) for panel in payload.panels if panel.element)
    beside = [one for one in (VACF, HARMONIC, MESH, ITSELF, EXPERIMENT) if one.id in used]
    given = [Switch(BESIDE, one.title, str(INKED)) for one in payload.densities]
    return Plot(
        traces=tuple(traces),
        layout={
            "xaxis": axis("frequency (cm^-1)", range=list(payload.range_cm1)),
            "yaxis": axis("DOS (states per cm^-1)", range=[0.0, payload.highest]),
        },
        switches=(*models, *elements, *beside, *given),
    )


def _panel(panel: VibrationsPanel) -> Iterator[Trace]:
    paint, grid = paint_of(panel.model), panel.frequencies_cm1
    name = f"{panel.element}, {panel.name}" if panel.element else panel.name
    own = [_model(panel), *([Switch(ELEMENTS, panel.element)] if panel.element else [])]
    if panel.runs > 1:
        yield area(name, *between(grid, panel.md.low, panel.md.high), [*own, VACF], paint, panel.learned)
    yield _curve(f"{name}: MD", grid, panel.md.mean, [*own, VACF], stroke(paint, "-", 1.8))
    if panel.harmonic is not None:
        yield _curve(f"{name}: harmonic", grid, panel.harmonic.mean, [*own, HARMONIC], stroke(paint, "--"))
    if panel.mesh is not None:
        yield _curve(f"{name}: mesh", panel.mesh.frequencies_cm1, panel.mesh.total, [*own, MESH], stroke(SOFTENED, ":", 1))
    if panel.reference is not None:
        one = panel.reference
        yield _curve(f"{one.title} itself", one.frequencies_cm1, one.total, [*own, ITSELF], stroke(REFERENCES, "-", 1))


def _given(payload: VibrationsFigure, panel: VibrationsPanel) -> Iterator[Trace]:
    for one in payload.densities:
        yield _curve(one.title, one.frequencies_cm1, one.total, [Switch(BESIDE, one.title)], stroke(INKED, ":"))
    for peak in payload.peaks:
        if peak.element == panel.element or not panel.element:
            text = f"{peak.title}: {peak.value_cm1:g} {CM1}<br>{peak.source}<extra></extra>"
            cross = {"symbol": "x-thin", "size": 9, "line": {"width": 2, "color": str(INKED)}}
            yield trace("experiment", [peak.value_cm1], [0.965 * payload.highest], [EXPERIMENT], mode="markers", marker=cross, hovertemplate=text)


def _curve(name: str, x: Any, y: Any, switches: list[Switch], line: dict[str, Any]) -> Trace:
    return trace(name, x, y, switches, hovertemplate=VALUE, line=line)


def _model(panel: VibrationsPanel, on: bool = True) -> Switch:
    return Switch(MODELS, panel.name, str(paint_of(panel.model)), on=on)
