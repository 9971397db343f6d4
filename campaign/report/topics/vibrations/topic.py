"""Long MD beside the harmonic approximation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.ink.plot import Plot
from campaign.report.page_table import PageTable
from campaign.report.sections import DYNAMICS
from campaign.report.topic import Crystals, Topic
from campaign.report.topics.vibrations.gather import projected_figure, vibrations_figure
from campaign.report.topics.vibrations.ink import draw_vibrations
from campaign.report.topics.vibrations.payload import VibrationsFigure
from campaign.report.topics.vibrations.plot import vibrations_plot
from campaign.report.topics.vibrations.source import VibrationsSource
from campaign.report.topics.vibrations.table import vibrations_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Vibrations(Topic[VibrationsFigure]):
    """Densities of states of all atoms, then by element, size by size; and the table of all MD."""

    name = "vibrations"
    table_section = DYNAMICS

    def concerns(self, harvest: Harvest) -> bool:
        return harvest.campaign.spec.dynamics is not None

    def figures(self, harvest: Harvest, crystal: Crystal) -> Iterator[VibrationsFigure]:
        sources = [VibrationsSource(harvest, crystal, size) for size in harvest.sizes(crystal.name)]
        yield from filter(None, map(vibrations_figure, sources))
        yield from filter(None, map(projected_figure, sources))

    def draw(self, payload: VibrationsFigure) -> Figure:
        return draw_vibrations(payload)

    def plot(self, payload: VibrationsFigure) -> Plot:
        return vibrations_plot(payload)

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:
        yield vibrations_table(harvest.campaign)
