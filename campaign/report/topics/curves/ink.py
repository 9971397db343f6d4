"""Learning curves: a panel for each model and quantity, a line for each seed."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from campaign.report.ink.style import GUIDE, PALE, SEED_COLOURS, SEED_DASHES, ink
from campaign.report.topics.curves.payload import Curve, CurvePanel, CurvesFigure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
PANEL_INCHES = (2.6, 2.1)


def draw_curves(payload: CurvesFigure) -> Figure:
    """Panels side by side, each on its own axis of errors."""
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(payload.panels))
    lines = ceil(len(payload.panels) / columns)
    size = (PANEL_INCHES[0] * columns + 0.3, PANEL_INCHES[1] * lines + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    seeds = seeds_of(payload)
    for number, axes in enumerate(grid.flat):
        if number < len(payload.panels):
            _panel(axes, payload.panels[number], seeds)
        else:
            axes.set_axis_off()
    figure.supxlabel("epoch", fontsize=9)
    figure.legend(handles=[_handle(seed, seeds) for seed in seeds], loc="outside upper left", ncols=6)
    return figure


def seeds_of(payload: CurvesFigure) -> list[int | None]:
    """All of them, sorted."""
    found = {curve.seed for panel in payload.panels for curve in panel.curves}
    return sorted(found, key=lambda seed: -1 if seed is None else seed)


def _panel(axes: Axes, panel: CurvePanel, seeds: list[int | None]) -> None:
    for curve in panel.curves:
        style = _style(curve.seed, seeds) | {"alpha": 1.0 if curve.learned else PALE}
        axes.plot(curve.epochs, curve.errors, lw=0.9, **style)
        axes.plot(*kept_of(curve), marker="o", ms=3.5, **(style | {"ls": "none"}))
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(color=GUIDE, lw=0.4, alpha=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=7.5)
    axes.tick_params(axis="y", which="minor", labelleft=False)
    axes.set_ylabel(f"{panel.quantity} RMSE ({panel.unit})", fontsize=8)
    axes.set_title(ink(f"{panel.letter}) {panel.title}"), loc="left", fontweight="bold")


def kept_of(curve: Curve) -> tuple[list[int], list[float]]:
    """The epoch that was kept, where its error is known."""
    known = [(epoch, error) for epoch, error in zip(curve.epochs, curve.errors, strict=True) if epoch == curve.best_epoch]
    return [epoch for epoch, _ in known], [error for _, error in known]


def _style(seed: int | None, seeds: list[int | None]) -> dict[str, Any]:
    number = seeds.index(seed)
    return {"color": SEED_COLOURS[number % len(SEED_COLOURS)], "ls": SEED_DASHES[number % len(SEED_DASHES)]}


def _handle(seed: int | None, seeds: list[int | None]) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], lw=1.0, label="no seed" if seed is None else f"seed {seed}", **_style(seed, seeds))
