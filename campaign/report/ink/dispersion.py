"""Bands with their densities of states: panels on one axis of frequencies."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from campaign.report.dispersion.payload import Area, BandsFigure, Line, Panel, Rows
from campaign.report.ink.density import draw_density, draw_given, thz_axis
from campaign.report.ink.style import (
    GUIDE,
    HATCH,
    INK,
    MISSING,
    PALE,
    REFERENCE,
    SEED_COLOURS,
    SEED_DASHES,
    SOFT,
    ink,
    look,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_INCHES = (3.55, 2.75)
COLUMNS = 2
DASHED = (0, (4, 1.5))
SYMBOL_OF = {"circles": "o", "squares": "s", "triangles": "^", "diamonds": "D"}
GIVEN: dict[str, Any] = {"ms": 3.2, "mew": 0.7, "mfc": "white", "mec": "black", "color": "black"}
ROW_POINTS = 10.0  # of a legend
ROW_LETTERS = 42  # three names with more than these reach into the next panel


def draw_bands(payload: BandsFigure) -> Figure:
    """Panels two by two; a density of states beside each where the payload has any."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    lines = ceil(len(payload.panels) / COLUMNS)
    columns = min(COLUMNS, len(payload.panels))
    size = (PANEL_INCHES[0] * columns + 0.4, PANEL_INCHES[1] * lines + 0.1)
    figure = Figure(
        figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.05, wspace=0.02, hspace=0.04)
    )
    widths = [3.3, 1.0] * columns if payload.kind == "bands" else [1.0] * columns
    axes = figure.subplots(lines, len(widths), sharey=True, squeeze=False, width_ratios=widths)
    for number in range(lines * columns):
        _panel(payload, number, axes, len(widths) // columns)
    return figure


def _panel(payload: BandsFigure, number: int, axes: Any, wide: int) -> None:
    row, column = divmod(number, axes.shape[1] // wide)
    places = axes[row, column * wide : (column + 1) * wide]
    if number >= len(payload.panels):
        for unused in places:
            unused.set_axis_off()
        _absent(places[0], payload)
        return
    panel = payload.panels[number]
    _bands(places[0], payload, panel)
    if column == 0:
        places[0].set_ylabel(ink("frequency (cm^-1)"))
    if wide > 1:
        draw_density(places[1], panel)
        draw_given(places[1], payload.densities)
    if column == axes.shape[1] // wide - 1:
        thz_axis(places[-1])


def _absent(axes: Axes, payload: BandsFigure) -> None:
    """Where a panel would be: what is not there; the caption says why."""
    titles = list(dict.fromkeys(one.title for one in payload.absent))
    if titles:
        text = axes.text(
            0.05,
            0.95,
            ink("\n".join(["not drawn:", *titles])),
            transform=axes.transAxes,
            va="top",
            color=SOFT,
        )
        text.set_in_layout(False)


def _bands(axes: Axes, payload: BandsFigure, panel: Panel) -> None:
    every = _every_seed(payload)
    _points(axes, payload)
    for area in panel.areas:
        _area(axes, payload.axis.distances, area)
        _beyond(axes, payload, (area.low_cm1, area.high_cm1), look(area.model).edge)
    for line, dash, colour in _styled(panel.lines, every):
        _line(axes, payload.axis.distances, line, (dash, colour))
        _beyond(axes, payload, (line.frequencies_cm1, line.frequencies_cm1), colour)
    _markers(axes, payload)
    _series(axes, payload)
    axes.set_ylim(*payload.range_cm1)
    _name(axes, panel, payload)


def _points(axes: Axes, payload: BandsFigure) -> None:
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


def _area(axes: Axes, distances: tuple[tuple[float, ...], ...], area: Area) -> None:
    """Filled where the model has learned; else an empty, hatched outline. Of one seed, a line."""
    style = look(area.model)
    if len(area.seeds) == 1:
        line: dict[str, Any] = {"color": style.edge, "ls": style.dash, "lw": 1.0, "zorder": 2.5}
        for x, block in zip(distances, area.low_cm1, strict=True):
            for band in _bands_of(block):
                axes.plot(x, band, alpha=1.0 if area.learned else PALE, **line)
        return
    fill: dict[str, Any] = {"facecolor": style.fill, "alpha": style.alpha, "linewidth": 0.0, "zorder": 2}
    if not area.learned:
        fill = {
            "facecolor": "none",
            "edgecolor": style.edge,
            "hatch": HATCH,
            "linewidth": 0.0,
            "alpha": 0.8,
            "zorder": 2,
        }
    edge: dict[str, Any] = {
        "color": style.edge,
        "ls": style.dash,
        "lw": 0.6 if area.learned else 0.4,
        "zorder": 2.5,
    }
    for x, low, high in zip(distances, area.low_cm1, area.high_cm1, strict=True):
        for below, above in zip(_bands_of(low), _bands_of(high), strict=True):
            axes.fill_between(x, below, above, **fill)
            axes.plot(x, below, **edge)
            axes.plot(x, above, **edge)


def _beyond(
    axes: Axes, payload: BandsFigure, ends: tuple[tuple[Rows, ...], tuple[Rows, ...]], colour: str
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


def _line(axes: Axes, distances: tuple[tuple[float, ...], ...], line: Line, style: tuple[Any, str]) -> None:
    dash, colour = style
    for x, block in zip(distances, line.frequencies_cm1, strict=True):
        for band in _bands_of(block):
            axes.plot(
                x,
                band,
                ls=dash,
                color=colour,
                lw=0.9,
                alpha=1.0 if line.learned else PALE,
                zorder=3 if line.kind != "seed" else 2,
            )


def _styled(lines: tuple[Line, ...], every: list[int]) -> list[tuple[Line, Any, str]]:
    """A seed looks the same in all panels; references are blue beside areas, black and dashed beside seeds."""
    found: list[tuple[Line, Any, str]] = []
    for line in lines:
        if line.kind == "seed" and line.seed is not None:
            number = every.index(line.seed)
            found.append(
                (line, SEED_DASHES[number % len(SEED_DASHES)], SEED_COLOURS[number % len(SEED_COLOURS)])
            )
        elif line.kind == "base":
            found.append((line, DASHED, REFERENCE))
        else:
            found.append((line, DASHED if every else "-", INK if every else REFERENCE))
    return found


def _every_seed(payload: BandsFigure) -> list[int]:
    return sorted({line.seed for panel in payload.panels for line in panel.lines if line.seed is not None})


def _markers(axes: Axes, payload: BandsFigure) -> None:
    for marker in payload.markers:
        where = [tick.position for tick in payload.axis.ticks if marker.label in tick.label.split("|")]
        values = [marker.value_cm1] * len(where)
        axes.plot(
            where, values, ls="none", marker="x", ms=4.5, mew=1.1, color="black", zorder=5, clip_on=False
        )


def _series(axes: Axes, payload: BandsFigure) -> None:
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


def _name(axes: Axes, panel: Panel, payload: BandsFigure) -> None:
    """Letter, title and legend above the panel, where they cover nothing."""
    every = _every_seed(payload)
    handles = [_patch(area) for area in panel.areas]
    handles += [
        _stroke(_label(line), ls=dash, color=colour, lw=1.0)
        for line, dash, colour in _styled(panel.lines, every)
    ]
    if payload.markers:
        handles.append(_stroke("experiment", ls="none", marker="x", ms=4.5, mew=1.1, color="black"))
    handles += [
        _stroke(ink(one.title), ls="none", marker=SYMBOL_OF[one.symbol], **GIVEN) for one in payload.series
    ]
    letters = sum(len(str(handle.get_label())) for handle in handles)
    columns = (3 if letters <= ROW_LETTERS else 2) if panel.areas else 6
    rows = ceil(len(handles) / columns)
    legend = axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.06 if panel.areas else 0.0, 0.995),
        ncols=columns,
        borderpad=0.1,
        borderaxespad=0.0,
        columnspacing=0.9,
        handletextpad=0.4,
        handlelength=1.7,
        labelspacing=0.2,
    )
    legend.set_in_layout(False)  # it may reach over the density of states; the letter keeps its height free
    above = (rows - 1 if panel.areas else rows) * ROW_POINTS + 3.0
    _above(axes, f"{panel.letter})", (0.0, above), "bold")
    if not panel.areas:
        _above(axes, ink(_title(panel)), (13.0, above), "normal")


def _above(axes: Axes, text: str, points: tuple[float, float], weight: str) -> None:
    axes.annotate(
        text, (0.0, 1.0), points, xycoords="axes fraction", textcoords="offset points", weight=weight
    )


def _title(panel: Panel) -> str:
    """The model of a panel of seeds."""
    title = panel.lines[0].title
    return (
        title if any(line.learned for line in panel.lines if line.kind == "seed") else f"{title}, not learned"
    )


def _label(line: Line) -> str:
    text = (
        str(line.seed)
        if line.kind == "seed"
        else f"{line.title}, mean"
        if line.kind == "base"
        else line.title
    )
    return ink(text)


def _patch(area: Area) -> Any:
    from matplotlib.patches import Patch

    style = look(area.model)
    if len(area.seeds) == 1:
        pale = 1.0 if area.learned else PALE
        return _stroke(ink(f"{area.name}, one seed"), color=style.edge, ls=style.dash, lw=1.0, alpha=pale)
    fill: Any = (*_rgb(style.fill), style.alpha) if area.learned else "none"
    hatch = None if area.learned else HATCH
    return Patch(facecolor=fill, edgecolor=style.edge, ls=style.dash, hatch=hatch, label=ink(area.name))


def _stroke(label: str, **style: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **style)


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


def _bands_of(block: Rows) -> list[tuple[float, ...]]:
    """(q-points, bands) -> (bands, q-points)."""
    return list(zip(*block, strict=True))
