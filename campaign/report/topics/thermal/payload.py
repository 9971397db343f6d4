"""What the figure of thermal properties shows: heat capacity and free energy by temperature, an area for each model."""

from __future__ import annotations

from typing import Literal

from campaign.report.document import Absent, Figure, SeedSet

Curve = tuple[float, ...]


class ThermalModel(SeedSet):
    """The smallest and largest value over the seeds at each temperature, per mol of primitive cells.

    `off` is the free energy less the mean over the seeds of the first model.
    """

    low_heat_capacity_J_K_mol: Curve
    high_heat_capacity_J_K_mol: Curve
    low_off_kJ_mol: Curve
    high_off_kJ_mol: Curve


class ThermalFigure(Figure):
    """`limit_J_K_mol` is 3R for each atom; `absent` are models that are not drawn, as those with imaginary modes."""

    kind: Literal["thermal"] = "thermal"
    size: str
    temperatures_K: Curve
    limit_J_K_mol: float
    models: tuple[ThermalModel, ...]
    absent: tuple[Absent, ...] = ()
