"""Thermal properties as ink: heat capacity at the left, free energy less that of the first model at the right."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

from campaign.report.ink.style import HATCH, SEED_DASHES, SOFT, ink, look
from campaign.report.topics.thermal.payload import Curve, ThermalFigure, ThermalModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_INCHES = (7.4, 3.0)
LEAST_OFF_KJ_MOL = 0.01  # shown, where models agree


def draw_thermal(payload: ThermalFigure) -> Figure:
    """Two panels, and one legend."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    left, right = figure.subplots(1, 2)
    for one, dash in zip(payload.models, cycle(SEED_DASHES), strict=False):
        _area(left, payload, (one, dash), (one.low_heat_capacity_J_K_mol, one.high_heat_capacity_J_K_mol))
        _area(right, payload, (one, dash), (one.low_off_kJ_mol, one.high_off_kJ_mol))
    low, high = right.get_ylim()
    right.set_ylim(min(low, -LEAST_OFF_KJ_MOL), max(high, LEAST_OFF_KJ_MOL))
    left.axhline(payload.limit_J_K_mol, color=SOFT, ls=":", lw=0.9)
    left.set_ylim(0.0, 1.06 * payload.limit_J_K_mol)
    _axes(left, payload, "a) heat capacity (J K$^{-1}$ mol$^{-1}$)")
    _axes(right, payload, "b) free energy − " + ink(payload.models[0].title) + " (kJ mol$^{-1}$)")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=4, columnspacing=1.4, handletextpad=0.5)
    return figure


def _area(axes: Axes, payload: ThermalFigure, drawn: tuple[ThermalModel, Any], ends: tuple[Curve, Curve]) -> None:
    """With lines at its edges, each model with a dash of its own: areas may be so narrow that they are none."""
    one, dash = drawn
    style = look(one.model)
    fill: dict[str, Any] = {"facecolor": style.fill, "alpha": style.alpha, "linewidth": 0.0}
    if not one.learned:
        fill = {"facecolor": "none", "edgecolor": style.edge, "hatch": HATCH, "linewidth": 0.0}
    axes.fill_between(payload.temperatures_K, *ends, **fill)
    for number, end in enumerate(ends):
        axes.plot(payload.temperatures_K, end, color=style.edge, ls=dash, lw=0.9, label=ink(one.name) if number == 0 else None)


def _axes(axes: Axes, payload: ThermalFigure, title: str) -> None:
    axes.set_xlim(payload.temperatures_K[0], payload.temperatures_K[-1])
    axes.set_xlabel("temperature (K)")
    axes.set_ylabel(title)
