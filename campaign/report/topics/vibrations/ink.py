"""Densities of states from MD over harmonic ones, panel by panel on one axis of frequencies."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING, Any

from campaign.report.ink.style import HATCH, INK, REFERENCE, SOFT, ink, look
from campaign.report.topics.vibrations.payload import VibrationsFigure, VibrationsPanel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_INCHES = (3.75, 2.45)
ALONE_INCHES = 5.6  # the width of a panel beside which there is none
COLUMNS = 2
GIVEN: Any = {"color": "black", "ls": ":", "lw": 0.9}  # as beside the bands
DASHED: Any = (0, (4, 1.5))
MESH = "#e2e2e7"
SPREAD: Any = {"facecolor": INK, "alpha": 0.35, "linewidth": 0.0}  # of the harmonic density, over the seeds
LETTERS_PER_INCH = 13.9  # of a legend
HANDLE_LETTERS = 6  # what stands before a name, and after it


def draw_vibrations(payload: VibrationsFigure) -> Figure:
    """Panels two by two; by element, one element to a column."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    count = len(payload.panels)
    elements = len({panel.element for panel in payload.panels})
    columns = elements if elements > 1 else min(COLUMNS, count)
    lines = ceil(count / columns)
    width = (PANEL_INCHES[0] if columns > 1 else ALONE_INCHES) * columns
    figure = Figure(
        figsize=(width + 0.2, PANEL_INCHES[1] * lines + 0.15),
        layout=ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.05, wspace=0.02, hspace=0.05),
    )
    axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for number, one in enumerate(axes.flat):
        if number >= count:
            one.set_axis_off()
            _absent(one, payload)
            continue
        _panel(one, payload, payload.panels[number])
        if number % columns == 0:
            one.set_ylabel(ink("DOS (states per cm^-1)"))
        if number + columns >= count:
            one.set_xlabel(ink("frequency (cm^-1)"))
            one.tick_params(axis="x", labelbottom=True)
    axes[0, 0].set_xlim(*payload.range_cm1)
    axes[0, 0].set_ylim(0.0, payload.highest)
    _legend(figure, list(_common(payload)), width)
    return figure


def _legend(figure: Figure, entries: list[tuple[Any, str]], width: float) -> None:
    """Above all panels: what looks the same in each; in two rows where one is wider than the figure."""
    if not entries:
        return
    letters = sum(len(label) + HANDLE_LETTERS for _, label in entries)
    across = len(entries) if letters <= LETTERS_PER_INCH * width else ceil(len(entries) / 2)
    handles, labels = zip(*entries, strict=True)
    figure.legend(
        handles, [ink(label) for label in labels], loc="outside upper left", ncols=across, columnspacing=1.4
    )


def _absent(axes: Axes, payload: VibrationsFigure) -> None:
    """Where a panel would be: what is not there; the caption says why."""
    titles = list(dict.fromkeys(one.title for one in payload.absent))
    if titles:
        place: dict[str, Any] = {"transform": axes.transAxes, "va": "top", "color": SOFT}
        axes.text(0.05, 0.95, ink("\n".join(["not drawn:", *titles])), **place).set_in_layout(False)


def _panel(axes: Axes, payload: VibrationsFigure, panel: VibrationsPanel) -> None:
    style, grid = look(panel.model), panel.frequencies_cm1
    if panel.mesh is not None:
        axes.fill_between(panel.mesh.frequencies_cm1, panel.mesh.total, color=MESH, lw=0.0, zorder=1)
    if panel.runs > 1:
        axes.fill_between(grid, panel.md.low, panel.md.high, zorder=2, **_fill(panel))
    elif not panel.learned:  # no area to hatch: all that lies below the line
        axes.fill_between(grid, panel.md.mean, zorder=2, **_fill(panel))
    if panel.runs > 1 and not panel.learned:  # hatches of a narrow area are lost without their outline
        for end in (panel.md.low, panel.md.high):
            axes.plot(grid, end, color=style.edge, lw=0.4, zorder=2.5)
    axes.plot(grid, panel.md.mean, color=style.edge, lw=1.1, zorder=3)
    if panel.harmonic is not None:
        if len(panel.harmonic_seeds) > 1:
            axes.fill_between(grid, panel.harmonic.low, panel.harmonic.high, zorder=3.5, **SPREAD)
        axes.plot(grid, panel.harmonic.mean, color=INK, ls=DASHED, lw=0.9, zorder=4)
    if panel.reference is not None:
        one = panel.reference
        axes.plot(one.frequencies_cm1, one.total, color=REFERENCE, lw=0.7, zorder=2.5)
    for density in payload.densities:
        if density.element == panel.element:
            axes.plot(density.frequencies_cm1, density.total, zorder=4.5, **GIVEN)
    for peak in payload.peaks:
        if peak.element == panel.element:
            axes.axvline(peak.value_cm1, color=INK, ls=":", lw=0.7, zorder=1.5)
            axes.plot([peak.value_cm1], [0.965], transform=axes.get_xaxis_transform(), **_cross())
    _name(axes, panel)


def _fill(panel: VibrationsPanel) -> dict[str, Any]:
    """Filled where the model has learned; else hatched."""
    style = look(panel.model)
    if panel.learned:
        return {"facecolor": style.fill, "alpha": style.alpha, "linewidth": 0.0}
    return {"facecolor": "none", "edgecolor": style.edge, "hatch": HATCH, "linewidth": 0.0, "alpha": 0.8}


def _name(axes: Axes, panel: VibrationsPanel) -> None:
    """Letter, and how the MD of the model is drawn, above the panel."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    title = f"{panel.element}, {panel.name}" if panel.element else panel.name
    line = Line2D([], [], color=look(panel.model).edge, lw=1.1)
    handle = (Patch(**_fill(panel)), line) if panel.runs > 1 or not panel.learned else line
    legend = axes.legend(
        [handle],
        [ink(f"{title}: VACF")],
        loc="lower left",
        bbox_to_anchor=(0.045, 1.0),
        borderpad=0.1,
        borderaxespad=0.0,
        handletextpad=0.5,
    )
    legend.set_in_layout(False)  # the letter keeps its height free
    axes.annotate(
        f"{panel.letter})",
        (0.0, 1.0),
        (0.0, 3.5),
        xycoords="axes fraction",
        textcoords="offset points",
        weight="bold",
    )


def _common(payload: VibrationsFigure) -> Iterator[tuple[Any, str]]:
    """What looks the same in all panels: a handle, and its name."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if any(panel.harmonic for panel in payload.panels):
        line = Line2D([], [], color=INK, ls=DASHED, lw=0.9)
        several = any(len(panel.harmonic_seeds) > 1 for panel in payload.panels)
        yield (Patch(**SPREAD), line) if several else line, "HA, q-points of the MD"
    if any(panel.mesh for panel in payload.panels):
        yield Patch(facecolor=MESH, lw=0.0), "HA, mesh, not broadened"
    titles = dict.fromkeys(panel.reference.title for panel in payload.panels if panel.reference)
    if titles:
        yield Line2D([], [], color=REFERENCE, lw=0.7), f"{' or '.join(titles)} itself: HA, mesh"
    for title in dict.fromkeys(density.title for density in payload.densities):
        yield Line2D([], [], **GIVEN), title
    if payload.peaks:
        yield Line2D([], [], **_cross()), "experiment"


def _cross() -> dict[str, Any]:
    return {"ls": "none", "marker": "x", "ms": 4.5, "mew": 1.1, "color": "black", "zorder": 5}
