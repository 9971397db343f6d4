"""Frozen phonons: a band of rows for each level, its frozen phonon a line through the dots of its models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from campaign.report.ink.style import GUIDE, HATCH, INK, REFERENCE, SOFT, ink, look
from campaign.report.topics.frozen.payload import FrozenFigure, FrozenLevel, FrozenModes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_INCHES = 0.27
WIDTH_INCHES = 7.4
GAP = 0.45  # rows between levels
HEIGHT = 0.56  # of a bar
DOT: dict[str, Any] = {"ls": "none", "marker": "o", "ms": 3.4, "mec": INK, "mew": 0.6, "zorder": 4}
DIRECT: dict[str, Any] = {"ls": "none", "marker": "D", "ms": 4.2, "mfc": "white", "mec": REFERENCE, "mew": 1.1, "zorder": 5}
CROSS: dict[str, Any] = {"ls": "none", "marker": "x", "ms": 5.0, "mew": 1.2, "color": "black", "zorder": 5}
LINE: dict[str, Any] = {"ls": "none", "marker": "|", "ms": 9.0, "mew": 1.1, "color": INK, "zorder": 3.5}

Row = tuple[float, FrozenLevel, FrozenModes | None]  # its place, from the top


def draw_frozen(payload: FrozenFigure) -> Figure:
    """Frequencies at the left, with what was measured; differences to the frozen phonon at the right."""
    from matplotlib.figure import Figure

    rows = list(_rows(payload))
    high = rows[-1][0] + 1.0
    figure = Figure(figsize=(WIDTH_INCHES, ROW_INCHES * high + 1.05), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1.5, 1.0])
    for place, level, models in rows:
        _row(left, place, models, 0.0)
        _row(right, place, models, level.frozen_cm1)
    for level in payload.levels:
        _level(left, right, level, [place for place, of, _ in rows if of is level])
    _measured(left, payload)
    _axes(left, rows, payload.range_cm1, "a) optical mode at Γ (cm^-1)")
    _axes(right, rows, payload.off_cm1, "b) model − frozen phonon (cm^-1)")
    left.set_ylim(high - 0.4, -0.6)
    figure.legend(
        *zip(*_legend(payload), strict=True), loc="outside upper left", ncols=4, columnspacing=1.4, handletextpad=0.5
    )
    return figure


def _rows(payload: FrozenFigure) -> Iterator[Row]:
    place = 0.0
    for level in payload.levels:
        for one in level.models or (None,):
            yield place, level, one
            place += 1.0
        place += GAP


def _row(axes: Axes, place: float, one: FrozenModes | None, zero: float) -> None:
    if one is None:
        return
    values = [value - zero for value in one.values_cm1]
    style = look(one.model)
    fill: dict[str, Any] = {"facecolor": style.fill, "alpha": style.alpha, "edgecolor": style.edge}
    if not one.learned:
        fill = {"facecolor": "none", "edgecolor": style.edge, "hatch": HATCH}
    if len(values) > 1:
        axes.barh(place, max(values) - min(values), left=min(values), height=HEIGHT, linewidth=0.6, zorder=2, **fill)
    face = style.edge if one.learned else "white"
    axes.plot(values, [place] * len(values), **(DOT | {"mfc": face}))
    axes.plot([line - zero for line in one.line_cm1], [place] * len(one.line_cm1), **LINE)


def _level(left: Axes, right: Axes, level: FrozenLevel, places: list[float]) -> None:
    top, bottom = min(places) - 0.42, max(places) + 0.42
    left.plot([level.frozen_cm1] * 2, [top, bottom], color=REFERENCE, lw=1.6, zorder=3, solid_capstyle="butt")
    right.plot([0.0, 0.0], [top, bottom], color=REFERENCE, lw=1.6, zorder=3, solid_capstyle="butt")
    upper, *others = level.title.split(" - ", 1)  # of a composite in two lines
    right.annotate(
        ink("\n".join([upper, *(f"− {one}" for one in others), f"{level.frozen_cm1:.0f}"])),
        (1.0, (top + bottom) / 2),
        (5.0, 0.0),
        xycoords=right.get_yaxis_transform(),
        textcoords="offset points",
        va="center",
        color=REFERENCE,
        fontsize=7.5,
    )
    if level.direct_cm1 is not None:
        for axes, value in ((left, level.direct_cm1), (right, level.direct_cm1 - level.frozen_cm1)):
            axes.plot([value], [top + 0.08], **DIRECT)


def _measured(axes: Axes, payload: FrozenFigure) -> None:
    for one in payload.markers:
        axes.axvline(one.value_cm1, color=INK, ls=":", lw=0.8, zorder=1)
        axes.plot([one.value_cm1], [0.0], transform=axes.get_xaxis_transform(), clip_on=False, **CROSS)


def _axes(axes: Axes, rows: list[Row], shown: tuple[float, float], title: str) -> None:
    axes.set_yticks([place for place, _, _ in rows], [ink(_name(level, one, rows)) for _, level, one in rows])
    axes.set_xlim(*shown)
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.grid(axis="x", color=GUIDE, lw=0.4, alpha=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(ink(title))


def _name(level: FrozenLevel, one: FrozenModes | None, rows: list[Row]) -> str:
    """Sizes are named where there are several."""
    if one is None:
        return f"{level.title}: {level.without}"
    sizes = {models.size for _, _, models in rows if models is not None}
    return f"{one.name}, {one.size}" if len(sizes) > 1 else one.name


def _legend(payload: FrozenFigure) -> Iterator[tuple[Any, str]]:
    from matplotlib.lines import Line2D

    yield Line2D([], [], color=REFERENCE, lw=1.6), "frozen phonon, by the engine"
    if any(level.models for level in payload.levels):
        yield Line2D([], [], **(DOT | {"mfc": SOFT})), "model, one seed"
    if any(one.line_cm1 for level in payload.levels for one in level.models):
        yield Line2D([], [], **LINE), "straight line alone"
    if any(level.direct_cm1 is not None for level in payload.levels):
        yield Line2D([], [], **DIRECT), "level itself, phonon supercell"
    if payload.markers:
        yield Line2D([], [], **CROSS), "experiment"
