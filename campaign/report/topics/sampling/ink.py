"""Sampling: displacements row by row, a line of symbols for each set of levels, and energies over displacements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from campaign.report.ink.style import GUIDE, look_of_level
from campaign.report.topics.sampling.payload import LevelSet, SamplingFigure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 7.4
LINE_INCHES = 0.13  # of one set of levels in one row
LEAST_INCHES = 2.8
ROW_LETTERS = 100  # of a legend
MARKS = ("o", "s", "^", "D", "v", "P")
HOLLOW: dict[str, Any] = {"mfc": "white", "mew": 0.9}
NOBODY: dict[str, Any] = {"ls": "none", "marker": ".", "ms": 3.0, "color": GUIDE}


def draw_sampling(payload: SamplingFigure) -> Figure:
    """Displacements by stratum at the left; energies at the right, where there are labels."""
    from matplotlib.figure import Figure

    lines = max(1, len(payload.sets))
    high = max(LEAST_INCHES, LINE_INCHES * (lines + 1.2) * len(payload.strata) + 0.9)
    figure = Figure(figsize=(WIDTH_INCHES, high), layout="constrained")
    wide = [1.25, 1.0] if payload.energies else [1.0]
    axes = figure.subplots(1, len(wide), squeeze=False, width_ratios=wide)[0]
    _displacements(axes[0], payload)
    if payload.energies:
        _energies(axes[1], payload)
    _legend(figure, payload)
    return figure


def _displacements(axes: Axes, payload: SamplingFigure) -> None:
    lines = max(1, len(payload.sets))
    pitch = 0.72 / lines
    for row, stratum in enumerate(payload.strata):
        axes.axhline(row + 0.5, color=GUIDE, lw=0.4)
        for line in range(lines):
            own = payload.sets[line] if payload.sets else None
            chosen = set(own.structures) if own is not None else set()
            place = row + pitch * (line - (lines - 1) / 2)
            failed = set(own.failed) if own is not None else set()
            far: dict[str, list[float]] = {"no": [], "yes": [], "failed": []}
            for one in stratum.structures:
                key = one.structure_key
                far["failed" if key in failed else "yes" if key in chosen else "no"].append(one.rms_displacement_A)
            axes.plot(far["no"], [place] * len(far["no"]), **NOBODY)
            axes.plot(far["yes"], [place] * len(far["yes"]), **_mark(payload, line))
            axes.plot(far["failed"], [place] * len(far["failed"]), **(_mark(payload, line) | HOLLOW))
    axes.set_yticks(range(len(payload.strata)), [f"{one.title} ({len(one.structures)})" for one in payload.strata])
    axes.set_ylim(len(payload.strata) - 0.5, -0.5)
    axes.set_xlim(left=0.0)
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.set_xlabel("a) RMS displacement from the training cell (Å)")


def _legend(figure: Figure, payload: SamplingFigure) -> None:
    from matplotlib.lines import Line2D

    every = {one.structure_key for stratum in payload.strata for one in stratum.structures}
    handles = [
        Line2D([], [], label=f"{one.title} ({len(every & set(one.structures))})", **_mark(payload, number))
        for number, one in enumerate(payload.sets)
    ]
    if any(every - set(one.structures) for one in payload.sets):
        handles.append(Line2D([], [], label="not chosen", **(NOBODY | {"ms": 5.0})))
    if any(one.failed for one in payload.sets):
        mark = _mark(payload, next(number for number, one in enumerate(payload.sets) if one.failed))
        handles.append(Line2D([], [], label="failed", **(mark | HOLLOW)))
    letters = sum(len(str(one.get_label())) + 5 for one in handles)
    rows = 1 + letters // ROW_LETTERS
    style: dict[str, Any] = {"handletextpad": 0.3, "columnspacing": 1.4, "handlelength": 1.0}
    figure.legend(handles=handles, loc="outside upper left", ncols=-(-len(handles) // rows), **style)


def _mark(payload: SamplingFigure, number: int) -> dict[str, Any]:
    if not payload.sets:
        return NOBODY
    own: LevelSet = payload.sets[number]
    colour = look_of_level(own.levels[0]).edge
    return {"ls": "none", "marker": MARKS[number % len(MARKS)], "ms": 3.4, "mfc": colour, "mec": colour, "mew": 0.5}


def _energies(axes: Axes, payload: SamplingFigure) -> None:
    """Hollow, so that levels that lie over each other are seen."""
    for number, one in enumerate(payload.energies):
        style: dict[str, Any] = {"ls": "none", "marker": MARKS[number % len(MARKS)], "ms": 4.0 + 0.6 * number}
        colour = look_of_level(one.level).edge
        axes.plot(
            one.rms_displacements_A, one.energies_meV_atom, mfc="none", mec=colour, mew=0.8, label=one.title, **style
        )
    axes.margins(0.05)
    left, bottom = (0.03 * end for end in (axes.get_xlim()[1], axes.get_ylim()[1]))
    axes.set_xlim(left=-left)  # whole symbols where there is neither displacement nor energy
    axes.set_ylim(bottom=-bottom)
    axes.grid(color=GUIDE, lw=0.4, alpha=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=7.5)
    axes.set_xlabel("b) RMS displacement (Å)")
    axes.set_ylabel("energy above the lowest\n(meV/atom)")
    axes.legend(loc="upper left", handletextpad=0.3)
