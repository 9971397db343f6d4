"""Thermal properties of the harmonic crystal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.page_table import PageTable
from campaign.report.sections import THERMAL
from campaign.report.topic import Crystals, Topic
from campaign.report.topics.thermal.gather import thermal_figure
from campaign.report.topics.thermal.ink import draw_thermal
from campaign.report.topics.thermal.payload import ThermalFigure
from campaign.report.topics.thermal.table import thermal_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Thermal(Topic[ThermalFigure]):
    """Heat capacity and free energy by temperature, size by size, and a table at two temperatures."""

    name = "thermal"
    section = THERMAL

    def figures(self, harvest: Harvest, crystal: Crystal) -> Iterator[ThermalFigure]:
        return filter(None, (thermal_figure(harvest, crystal, size) for size in harvest.sizes(crystal.name)))

    def draw(self, payload: ThermalFigure) -> Figure:
        return draw_thermal(payload)

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:
        yield thermal_table(harvest)
