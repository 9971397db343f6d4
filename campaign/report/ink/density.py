"""The density of states beside the bands, on the same axis of frequencies, which ends in THz."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import TYPE_CHECKING, Any

from campaign.report.dispersion.payload import Area, Panel
from campaign.report.ink.style import CM1_PER_THZ, GUIDE, HATCH, PALE, REFERENCE, ink, look
from campaign.report.user_references import ReferenceDensity

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_density(axes: Axes, panel: Panel) -> None:
    """Areas over the seeds (a line of one seed), lines of references; states grow to the right."""
    for area in panel.areas:
        _area(axes, area)
    for line in panel.lines:
        if line.dos is not None:
            dash: Any = "-" if line.kind == "direct" else (0, (4, 1.5))
            axes.plot(line.dos.total, line.dos.frequencies_cm1, color=REFERENCE, ls=dash, lw=0.8, zorder=3)
    curves = [area.dos.high for area in panel.areas] + [line.dos.total for line in panel.lines if line.dos is not None]
    most = max((value for curve in curves for value in curve), default=1.0)
    axes.set_xlim(0.0, 1.08 * most)
    axes.set_xticks([0.0, _round_below(most)])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.tick_params(axis="x", labelsize=7.0)
    axes.set_xlabel(ink("DOS (states/cm^-1)"), fontsize=7.5)
    axes.tick_params(axis="y", labelleft=False)
    axes.axhline(0.0, color=GUIDE, lw=0.6, zorder=0)


def draw_references(axes: Axes, densities: Sequence[ReferenceDensity]) -> None:
    """What the user gave, dotted, over what is there."""
    for one in densities:
        axes.plot(one.total, one.frequencies_cm1, color="black", ls=":", lw=0.9, zorder=4)


def thz_axis(axes: Axes) -> None:
    """The same frequencies in THz, at the right."""
    other = axes.secondary_yaxis("right", functions=(_to_thz, _to_cm1))
    other.set_ylabel("frequency (THz)")
    other.tick_params(direction="in", labelsize=7.5)


def _round_below(value: float) -> float:
    """1, 2 or 5 times a power of ten."""
    power = 10.0 ** floor(log10(value))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= value)


def _to_thz(cm1: Any) -> Any:
    return cm1 / CM1_PER_THZ


def _to_cm1(thz: Any) -> Any:
    return thz * CM1_PER_THZ


def _area(axes: Axes, area: Area) -> None:
    style, dos = look(area.model), area.dos
    if len(area.seeds) == 1:
        pale = 1.0 if area.learned else PALE
        axes.plot(dos.low, dos.frequencies_cm1, color=style.edge, ls=style.dash, lw=0.8, alpha=pale)
        return
    fill: dict[str, Any] = {"facecolor": style.fill, "alpha": style.alpha, "linewidth": 0.0}
    if not area.learned:
        fill = {"facecolor": "none", "edgecolor": style.edge, "hatch": HATCH, "linewidth": 0.0, "alpha": 0.8}
    axes.fill_betweenx(dos.frequencies_cm1, dos.low, dos.high, **fill)
    for values in (dos.low, dos.high):
        axes.plot(values, dos.frequencies_cm1, color=style.edge, ls=style.dash, lw=0.5)
