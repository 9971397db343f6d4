"""Labels and errors: a column for each level, frequencies above energies, both axes logarithmic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from campaign.report.ink.style import GUIDE, INK, SOFT, ink, look_of_level
from campaign.report.topics.forecast.payload import FitPoint, ForecastFigure, LevelPanel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 3.4
MOST_SHOWN_CM1 = 100.0  # a prediction from fewer labels than parameters is none
CROSS: dict[str, Any] = {"ls": "none", "marker": "x", "ms": 4.5, "mew": 0.9, "color": SOFT}


def draw_forecast(payload: ForecastFigure) -> Figure:
    """Panels side by side; a row of energies where any are known."""
    from matplotlib.figure import Figure

    columns = len(payload.panels)
    has_energies = any(_energies_of(panel) for panel in payload.panels)
    rows = 1 + has_energies
    figure = Figure(figsize=(max(WIDTH_INCHES * columns, 4.4), 2.35 * rows + 0.6), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex="col", sharey="row")
    for column, panel in enumerate(payload.panels):
        _frequencies(grid[0][column], panel)
        if has_energies:
            _energies(grid[1][column], panel)
        grid[-1][column].set_xlabel("labels")
    grid[0][0].set_ylabel(ink("error of all modes (cm^-1)"))
    if has_energies:
        grid[1][0].set_ylabel("error of the energy (meV/atom)")
    handles = {text: handle for axes in grid[0] for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=min(len(handles), 3 if columns < 2 else 5))
    return figure


def _frequencies(axes: Axes, panel: LevelPanel) -> None:
    colour = look_of_level(panel.level).edge
    _fits(axes, panel.chosen, [one.apart_cm1 for one in panel.chosen], colour, mfc=colour, label="chosen")
    _fits(axes, panel.random, [one.apart_cm1 for one in panel.random], colour, mfc="white", ls="--", label="at random")
    stated = [*panel.chosen, *([panel.fitted] if panel.fitted is not None else [])]
    axes.plot([one.count for one in stated], [one.stated_cm1 for one in stated], color=colour, lw=1.0, label="stated error", marker="_" if len(stated) < 2 else "")
    shown = [(count, error) for count, error in panel.predicted if error <= MOST_SHOWN_CM1]
    if shown:
        axes.plot(*zip(*shown, strict=True), ls=":", color=INK, lw=1.1, label="predicted before")
    known = [(one.count, one.apart_cm1) for one in panel.networks if one.apart_cm1 is not None]
    if known:
        axes.plot(*zip(*known, strict=True), label="MACE", **CROSS)
    if panel.target_cm1 is not None:
        axes.axhline(panel.target_cm1, color=GUIDE, lw=0.8)
    axes.set_title(f"{panel.letter}) {ink(panel.title)}", loc="left", fontweight="bold")
    _logarithmic(axes)


def _energies(axes: Axes, panel: LevelPanel) -> None:
    colour = look_of_level(panel.level).edge
    _fits(axes, panel.chosen, [one.left_meV_atom for one in panel.chosen], colour, mfc=colour)
    _fits(axes, panel.random, [one.left_meV_atom for one in panel.random], colour, mfc="white", ls="--")
    known = [(one.count, one.left_meV_atom) for one in panel.networks if one.left_meV_atom is not None]
    if known:
        axes.plot(*zip(*known, strict=True), **CROSS)
    _logarithmic(axes)


def _energies_of(panel: LevelPanel) -> bool:
    return bool(panel.chosen) or any(one.left_meV_atom is not None for one in panel.networks)


def _fits(axes: Axes, points: Sequence[FitPoint], values: Sequence[float | None], colour: str, **how: Any) -> None:
    known = [(one.count, value) for one, value in zip(points, values, strict=True) if value is not None]
    if known:
        style: dict[str, Any] = {"ls": "-", "lw": 0.6, "marker": "o", "ms": 3.8, "mew": 0.9}
        axes.plot(*zip(*known, strict=True), color=colour, mec=colour, **(style | how))


def _logarithmic(axes: Axes) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    for axis, set_scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
        set_scale("log")
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(_plain)
        axis.set_minor_formatter(NullFormatter())
    axes.grid(color=GUIDE, lw=0.4, alpha=0.6)
    axes.tick_params(labelsize=7.5, labelbottom=True)


def _plain(value: float, _: float) -> str:
    return f"{value:g}"
