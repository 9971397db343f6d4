"""Bands as ink: areas over the seeds, their densities of states beside them."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from campaign.report.dispersion.payload import Area, DispersionFigure, Line, Panel
from campaign.report.ink.density import draw_density, draw_references
from campaign.report.ink.dispersion import (
    DASHED,
    ROW_POINTS,
    above_panel,
    bands_of,
    draw_beyond,
    draw_line,
    draw_marks,
    draw_points,
    legend,
    mark_handles,
    panels,
    stroke,
)
from campaign.report.ink.style import HATCH, PALE, REFERENCE, ink, look
from campaign.report.topics.bands.payload import BandsFigure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTHS = (3.3, 1.0)  # of bands, and of the density of states beside them
ROW_LETTERS = 42  # three names with more than these reach into the next panel


def draw_bands(payload: BandsFigure) -> Figure:
    """Panels two by two, a density of states beside each."""
    return panels(payload, WIDTHS, _panel)


def _panel(places: list[Axes], payload: DispersionFigure, panel: Panel) -> None:
    axes, beside = places
    draw_points(axes, payload)
    for area in panel.areas:
        _area(axes, payload.axis.distances, area)
        _errors(axes, payload, area)
        draw_beyond(axes, payload, (area.low_cm1, area.high_cm1), look(area.model).edge)
    for line in panel.lines:
        draw_line(axes, payload, line, (_dash(line), REFERENCE))
    draw_marks(axes, payload)
    _name(axes, panel, payload)
    draw_density(beside, panel)
    draw_references(beside, payload.densities)


def _dash(line: Line) -> Any:
    return DASHED if line.kind == "base" else "-"


def _area(axes: Axes, distances: tuple[tuple[float, ...], ...], area: Area) -> None:
    """Filled where the model has learned; else an empty, hatched outline. Of one seed, a line."""
    style = look(area.model)
    if len(area.seeds) == 1:
        line: dict[str, Any] = {"color": style.edge, "ls": style.dash, "lw": 1.0, "zorder": 2.5}
        for x, block in zip(distances, area.low_cm1, strict=True):
            for band in bands_of(block):
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
        for below, above in zip(bands_of(low), bands_of(high), strict=True):
            axes.fill_between(x, below, above, **fill)
            axes.plot(x, below, **edge)
            axes.plot(x, above, **edge)


def _errors(axes: Axes, payload: DispersionFigure, area: Area) -> None:
    """Bars at the named points, within the frame also at its ends."""
    if placed := payload.placed_errors(area):
        where, errors = zip(*placed, strict=True)
        style: dict[str, Any] = {"color": look(area.model).edge, "elinewidth": 0.8, "capsize": 2.0, "capthick": 0.8}
        middle, bars = [one.frequency_cm1 for one in errors], [one.error_cm1 for one in errors]
        axes.errorbar(where, middle, bars, ls="none", zorder=4, clip_on=False, **style)


def _name(axes: Axes, panel: Panel, payload: DispersionFigure) -> None:
    """Letter and legend above the panel, where they cover nothing."""
    handles = [_patch(area) for area in panel.areas]
    handles += [stroke(_label(line), ls=_dash(line), color=REFERENCE, lw=1.0) for line in panel.lines]
    handles += mark_handles(payload)
    letters = sum(len(str(handle.get_label())) for handle in handles)
    columns = 3 if letters <= ROW_LETTERS else 2
    legend(axes, handles, columns, 0.06)
    above_panel(axes, f"{panel.letter})", (0.0, (ceil(len(handles) / columns) - 1) * ROW_POINTS + 3.0), "bold")


def _label(line: Line) -> str:
    return ink(f"{line.title}, mean" if line.kind == "base" else line.title)


def _patch(area: Area) -> Any:
    from matplotlib.patches import Patch

    style = look(area.model)
    if len(area.seeds) == 1:
        pale = 1.0 if area.learned else PALE
        return stroke(ink(f"{area.name}, one seed"), color=style.edge, ls=style.dash, lw=1.0, alpha=pale)
    fill: Any = (*_rgb(style.fill), style.alpha) if area.learned else "none"
    hatch = None if area.learned else HATCH
    return Patch(facecolor=fill, edgecolor=style.edge, ls=style.dash, hatch=hatch, label=ink(area.name))


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)
