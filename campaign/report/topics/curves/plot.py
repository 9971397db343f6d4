"""Learning curves on a screen: energies above forces, switched by model and by seed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from campaign.report.ink.plot import (
    MODEL_STYLES,
    MODELS,
    PALE,
    Plot,
    Switch,
    Trace,
    axis,
    paint_of,
    seed_switch,
    stroke,
    trace,
)
from campaign.report.topics.curves.ink import kept_of, seeds_of
from campaign.report.topics.curves.payload import UNITS, Curve, CurvePanel, CurvesFigure


def curves_plot(payload: CurvesFigure) -> Plot:
    """All models at first; forces have axes of their own, below."""
    models = list(dict.fromkeys(panel.model for panel in payload.panels))
    seeds = seeds_of(payload)
    forces = any(panel.quantity == "force" for panel in payload.panels)
    axes = {"yaxis": axis(f"energy RMSE ({UNITS['energy']})", type="log", dtick="D2", domain=[0.54, 1.0] if forces else [0.0, 1.0])}
    if forces:
        axes["yaxis2"] = axis(f"force RMSE ({UNITS['force']})", type="log", dtick="D2", domain=[0.0, 0.46], anchor="x")
    known = (models, seeds)
    return Plot(
        traces=tuple(made for panel in payload.panels for one in panel.curves for made in _curve(panel, one, known)),
        layout={"xaxis": axis("epoch", anchor="y2" if forces else "y"), **axes},
        switches=(
            *dict.fromkeys(_model(panel) for panel in payload.panels),
            *(seed_switch(seed, seeds) for seed in seeds),
        ),
    )


def _curve(panel: CurvePanel, one: Curve, known: tuple[list[str], list[int | None]]) -> Iterator[Trace]:
    """A line, and a dot at the epoch that was kept."""
    models, seeds = known
    own = seed_switch(one.seed, seeds)
    place = {"yaxis": "y2"} if panel.quantity == "force" else {}
    name, switches = f"{panel.title}, seed {one.seed}", [_model(panel), own]
    opacity = 1.0 if one.learned else PALE
    line = stroke(own.colour, MODEL_STYLES[models.index(panel.model) % len(MODEL_STYLES)])
    said = f"epoch %{{x}}: %{{y:.3g}} {panel.unit}"
    yield trace(name, one.epochs, one.errors, switches, line=line, opacity=opacity, hovertemplate=said, **place)
    kept: dict[str, Any] = {"mode": "markers", "marker": {"size": 8, "color": own.colour}, "hovertemplate": f"kept, {said}"}
    epochs, errors = kept_of(one)
    yield trace(name, epochs, errors, switches, opacity=opacity, **kept, **place)


def _model(panel: CurvePanel) -> Switch:
    return Switch(MODELS, panel.title, str(paint_of(panel.model)))
