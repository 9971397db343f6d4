"""Errors: a row for each model, a dot for each seed, a bar from the smallest to the largest."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from campaign.report.ink.style import GUIDE, HATCH, INK, ink, look
from campaign.report.topics.errors.payload import ErrorBar, ErrorPanel, ErrorsFigure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
SMALLEST_MEV = 1e-4  # a logarithm needs one


def draw_errors(payload: ErrorsFigure) -> Figure:
    """Panels side by side on one axis of errors, logarithmic where one from zero would hide the smallest."""
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(payload.panels))
    lines = ceil(len(payload.panels) / columns)
    models = _models(payload)
    reach = _reach(payload)
    figure = Figure(figsize=(2.4 * columns + 1.3, (0.28 * len(models) + 0.95) * lines), layout="constrained")
    grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for number, axes in enumerate(grid.flat):
        if number < len(payload.panels):
            _panel(axes, payload.panels[number], models, reach)
            if number + columns >= len(payload.panels):
                axes.tick_params(axis="x", labelbottom=True)
        else:
            axes.set_axis_off()
    how = ", logarithmic" if payload.logarithmic else ""
    figure.supxlabel(f"RMSE of the energy (meV/atom){how}", fontsize=9)
    return figure


def _reach(payload: ErrorsFigure) -> tuple[float, float]:
    """From zero, on a linear axis."""
    every = [value for panel in payload.panels for bar in panel.bars for value in bar.values_meV_atom]
    if payload.logarithmic:
        return max(min(every), SMALLEST_MEV) / 1.5, max(every) * 1.5
    return 0.0, max(every) * 1.08


def _panel(axes: Axes, panel: ErrorPanel, models: dict[str, str], reach: tuple[float, float]) -> None:
    if reach[0] > 0:
        _logarithmic(axes, reach)
    axes.grid(axis="x", color=GUIDE, lw=0.4, alpha=0.6)
    for bar in panel.bars:
        _bar(axes, bar, list(models).index(bar.title))
    axes.set_yticks(range(len(models)), [ink(model) for model in models.values()])
    axes.set_ylim(len(models) - 0.4, -0.6)
    axes.set_xlim(*reach)
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.set_title(f"{panel.letter}) {panel.size}, {panel.split}", loc="left", fontweight="bold")


def _logarithmic(axes: Axes, reach: tuple[float, float]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if reach[1] < 40 * reach[0] else (1.0,)))
    axes.xaxis.set_major_formatter(_plain)
    axes.xaxis.set_minor_formatter(NullFormatter())


def _models(payload: ErrorsFigure) -> dict[str, str]:
    """A row for each title, and its name: *not learned* only where no panel shows it learned."""
    found: dict[str, list[ErrorBar]] = {}
    for panel in payload.panels:
        for bar in panel.bars:
            found.setdefault(bar.title, []).append(bar)
    return {
        title: title if any(bar.learned for bar in bars) else bars[0].name for title, bars in found.items()
    }


def _bar(axes: Axes, bar: ErrorBar, row: int) -> None:
    style = look(bar.model)
    low, high = max(bar.low, SMALLEST_MEV), max(bar.high, SMALLEST_MEV)
    fill: dict[str, Any] = {
        "facecolor": style.fill,
        "alpha": style.alpha,
        "edgecolor": style.edge,
        "linewidth": 0.6,
    }
    if not bar.learned:
        fill = {"facecolor": "none", "edgecolor": style.edge, "hatch": HATCH, "linewidth": 0.6}
    if len(bar.seeds) > 1:
        axes.barh(row, high - low, left=low, height=0.56, **fill)
    dots = [max(value, SMALLEST_MEV) for value in bar.values_meV_atom]
    axes.plot(
        dots,
        [row] * len(dots),
        ls="none",
        marker="o",
        ms=3.2,
        mfc=INK if bar.learned else "white",
        mec=INK,
        mew=0.6,
    )


def _plain(value: float, _: float) -> str:
    return f"{value:g}"
