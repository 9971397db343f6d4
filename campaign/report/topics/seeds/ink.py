"""Seeds as ink: a line for every seed, the same in all panels."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from campaign.report.dispersion.payload import DispersionFigure, Line, Panel
from campaign.report.ink.dispersion import (
    DASHED,
    ROW_POINTS,
    above_panel,
    draw_line,
    draw_marks,
    draw_points,
    legend,
    mark_handles,
    panels,
    stroke,
)
from campaign.report.ink.style import INK, SEED_COLOURS, SEED_DASHES, ink
from campaign.report.topics.seeds.payload import SeedsFigure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 6  # of the legend


def draw_seeds(payload: SeedsFigure) -> Figure:
    """Panels two by two."""
    return panels(payload, (1.0,), _panel)


def _panel(places: list[Axes], payload: DispersionFigure, panel: Panel) -> None:
    (axes,) = places
    draw_points(axes, payload)
    for line in panel.lines:
        draw_line(axes, payload, line, _style(line, payload))
    draw_marks(axes, payload)
    _name(axes, panel, payload)


def _style(line: Line, payload: DispersionFigure) -> tuple[Any, str]:
    """Dash and colour: of a seed the same in all panels; of a level itself black and dashed."""
    if line.seed is None:
        return DASHED, INK
    number = _every_seed(payload).index(line.seed)
    return SEED_DASHES[number % len(SEED_DASHES)], SEED_COLOURS[number % len(SEED_COLOURS)]


def _every_seed(payload: DispersionFigure) -> list[int]:
    return sorted({line.seed for panel in payload.panels for line in panel.lines if line.seed is not None})


def _name(axes: Axes, panel: Panel, payload: DispersionFigure) -> None:
    """Letter, title and legend above the panel, where they cover nothing."""
    handles = []
    for line in panel.lines:
        dash, colour = _style(line, payload)
        label = line.title if line.seed is None else str(line.seed)
        handles.append(stroke(ink(label), ls=dash, color=colour, lw=1.0))
    handles += mark_handles(payload)
    legend(axes, handles, COLUMNS, 0.0)
    height = ceil(len(handles) / COLUMNS) * ROW_POINTS + 3.0
    above_panel(axes, f"{panel.letter})", (0.0, height), "bold")
    above_panel(axes, ink(_title(panel)), (13.0, height), "normal")


def _title(panel: Panel) -> str:
    """The model of a panel of seeds."""
    title = panel.lines[0].title
    return (
        title if any(line.learned for line in panel.lines if line.kind == "seed") else f"{title}, not learned"
    )
