"""Bands of every seed by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from campaign.report.crystal import Crystal
from campaign.report.dispersion.source import DispersionSource
from campaign.report.harvest import Harvest
from campaign.report.ink.plot import Plot
from campaign.report.topic import Topic
from campaign.report.topics.seeds.gather import seeds_figure
from campaign.report.topics.seeds.ink import draw_seeds
from campaign.report.topics.seeds.payload import SeedsFigure
from campaign.report.topics.seeds.plot import seeds_plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Seeds(Topic[SeedsFigure]):
    """A line for every seed of all models, size by size."""

    name = "seeds"

    def figures(self, harvest: Harvest, crystal: Crystal) -> Iterator[SeedsFigure]:
        return filter(None, map(seeds_figure, DispersionSource.by_size(harvest, crystal)))

    def draw(self, payload: SeedsFigure) -> Figure:
        return draw_seeds(payload)

    def plot(self, payload: SeedsFigure) -> Plot:
        return seeds_plot(payload)
