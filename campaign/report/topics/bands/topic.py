"""Bands, with their densities of states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from campaign.report.crystal import Crystal
from campaign.report.dispersion.source import DispersionSource
from campaign.report.harvest import Harvest
from campaign.report.ink.plot import Plot
from campaign.report.topic import Topic
from campaign.report.topics.bands.gather import bands_figure
from campaign.report.topics.bands.ink import draw_bands
from campaign.report.topics.bands.payload import BandsFigure
from campaign.report.topics.bands.plot import bands_plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Bands(Topic[BandsFigure]):
    """Seed spreads of all models, size by size."""

    name = "bands"

    def figures(self, harvest: Harvest, crystal: Crystal) -> Iterator[BandsFigure]:
        return filter(None, map(bands_figure, DispersionSource.by_size(harvest, crystal)))

    def draw(self, payload: BandsFigure) -> Figure:
        return draw_bands(payload)

    def plot(self, payload: BandsFigure) -> Plot:
        return bands_plot(payload)
