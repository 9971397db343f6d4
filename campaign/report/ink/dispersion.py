"""Bands as ink, as far as figures of them are alike: panels on one axis of frequencies, named points, lines, marks, legends."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any

from campaign.report.dispersion.payload import DispersionFigure, Line, Panel, Rows
from campaign.report.ink.density import thz_axis
from campaign.report.ink.style import GUIDE, INK, MISSING, PALE, SOFT, ink

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    DrawPanel = Callable[[list[Axes], DispersionFigure, Panel], None]

PANEL_INCHES = (3.55, 2.75)
COLUMNS = 2
DASHED = (0, (4, 1.5))
SYMBOL_OF = {"circles": "o", "squares": "s", "triangles": "^", "diamonds": "D"}
GIVEN: dict[str, Any] = {"ms": 3.2, "mew": 0.7, "mfc": "white", "mec": "black", "color": "black"}
CROSS: dict[str, Any] = {"ls": "none", "marker": "x", "ms": 4.5, "mew": 1.1, "color": "black"}
ROW_POINTS = 10.0  # of a legend


def panels(payload: DispersionFigure, widths: tuple[float, ...], draw: DrawPanel) -> Figure:
    """Panels two by two, each on as many axes side by side as it has `widths`."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    lines = ceil(len(payload.panels) / COLUMNS)
    columns = min(COLUMNS, len(payload.panels))
    size = (PANEL_INCHES[0] * columns + 0.4, PANEL_INCHES[1] * lines + 0.1)
    figure = Figure(
        figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.05, wspace=0.02, hspace=0.04)
    )
    axes = figure.subplots(lines, len(widths) * columns, sharey=True, squeeze=False, width_ratios=widths * columns)
    for number in range(lines * columns):
        row, column = divmod(number, columns)
        places = list(axes[row, column * len(widths) : (column + 1) * len(widths)])
        if number >= len(payload.panels):
            _absent(places, payload)
            continue
        draw(places, payload, payload.panels[number])
        places[0].set_ylim(*payload.range_cm1)
        if column == 0:
            places[0].set_ylabel(ink("frequency (cm^-1)"))
        if column == columns - 1:
            thz_axis(places[-1])
    return figure


def _absent(places: list[Axes], payload: DispersionFigure) -> None:
    """Where a panel would be: what is not there; the caption says why."""
    for unused in places:
        unused.set_axis_off()
    titles = list(dict.fromkeys(one.title for one in payload.absent))
    if titles:
        text = places[0].text(
            0.05,
            0.95,
            ink("\n".join(["not drawn:", *titles])),
            transform=places[0].transAxes,
            va="top",
            color=SOFT,
        )
        text.set_in_layout(False)


def draw_points(axes: Axes, payload: DispersionFigure) -> None:
    """Guides at named points; those that a cell does not hold are dashed, and carry its mark."""
    ticks = payload.axis.ticks
    axes.set_xticks(
        [tick.position for tick in ticks],
        [tick.label + tick.mark for tick in ticks],
    )
    axes.tick_params(axis="x", length=0)
    for tick, text in zip(ticks, axes.get_xticklabels(), strict=True):
        axes.axvline(
            tick.position,
            color=MISSING if tick.mark else GUIDE,
            lw=0.6,
            ls=(0, (3, 2)) if tick.mark else "-",
            zorder=0,
        )
        text.set_color(MISSING if tick.mark else INK)
    axes.set_xlim(ticks[0].position, ticks[-1].position)
    if payload.range_cm1[0] < 0:
        axes.axhline(0.0, color=GUIDE, lw=0.6, zorder=0)


def draw_line(axes: Axes, payload: DispersionFigure, line: Line, style: tuple[Any, str]) -> None:
    """Every band of a line, in its dash and colour."""
    dash, colour = style
    for x, block in zip(payload.axis.distances, line.frequencies_cm1, strict=True):
        for band in bands_of(block):
            axes.plot(
                x,
                band,
                ls=dash,
                color=colour,
                lw=0.9,
                alpha=1.0 if line.learned else PALE,
                zorder=3 if line.kind != "seed" else 2,
            )
    draw_beyond(axes, payload, (line.frequencies_cm1, line.frequencies_cm1), colour)


def draw_beyond(
    axes: Axes, payload: DispersionFigure, ends: tuple[tuple[Rows, ...], tuple[Rows, ...]], colour: str
) -> None:
    """Triangles at the edge, where the lowest or the highest bands leave what is shown."""
    low, high = payload.range_cm1
    style: dict[str, Any] = {"color": colour, "ls": "none", "ms": 4.0, "clip_on": False, "zorder": 5}
    for x, below, above in zip(payload.axis.distances, *ends, strict=True):
        most, least = [max(row) for row in above], [min(row) for row in below]
        if max(most) > high:
            axes.plot([x[most.index(max(most))]], [high], marker="^", **style)
        if min(least) < low:
            axes.plot([x[least.index(min(least))]], [low], marker="v", **style)


def draw_marks(axes: Axes, payload: DispersionFigure) -> None:
    """Measured values at named points, and what the user gave."""
    for marker in payload.markers:
        where = [tick.position for tick in payload.axis.ticks if marker.label in tick.label.split("|")]
        axes.plot(where, [marker.value_cm1] * len(where), zorder=5, clip_on=False, **CROSS)
    _series(axes, payload)


def _series(axes: Axes, payload: DispersionFigure) -> None:
    for one in payload.series:
        where = [point.position for point in one.points]
        values = [point.frequency_cm1 for point in one.points]
        errors = [point.error_cm1 or 0.0 for point in one.points]
        axes.errorbar(
            where,
            values,
            yerr=errors if any(errors) else None,
            ls="none",
            marker=SYMBOL_OF[one.symbol],
            elinewidth=0.7,
            capsize=1.5,
            zorder=5,
            clip_on=False,
            **GIVEN,
        )


def mark_handles(payload: DispersionFigure) -> list[Any]:
    """What a legend shows of measured values, and of those that the user gave."""
    crosses = [stroke("experiment", **CROSS)] if payload.markers else []
    return crosses + [
        stroke(ink(one.title), ls="none", marker=SYMBOL_OF[one.symbol], **GIVEN) for one in payload.series
    ]


def legend(axes: Axes, handles: list[Any], columns: int, left: float) -> None:
    """Above a panel, `left` of its width from the left."""
    drawn = axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(left, 0.995),
        ncols=columns,
        borderpad=0.1,
        borderaxespad=0.0,
        columnspacing=0.9,
        handletextpad=0.4,
        handlelength=1.7,
        labelspacing=0.2,
    )
    drawn.set_in_layout(False)  # it may reach over the density of states; the letter keeps its height free


def above_panel(axes: Axes, text: str, points: tuple[float, float], weight: str) -> None:
    """Text above the upper left corner of a panel, so many points away."""
    axes.annotate(
        text, (0.0, 1.0), points, xycoords="axes fraction", textcoords="offset points", weight=weight
    )


def stroke(label: str, **style: Any) -> Any:
    """A line of a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **style)


def bands_of(block: Rows) -> list[tuple[float, ...]]:
    """(q-points, bands) -> (bands, q-points)."""
    return list(zip(*block, strict=True))
