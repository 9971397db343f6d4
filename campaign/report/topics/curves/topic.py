"""Learning curves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.ink.plot import Plot
from campaign.report.sections import TRAINING
from campaign.report.topic import Topic
from campaign.report.topics.curves.gather import curves_figure
from campaign.report.topics.curves.ink import draw_curves
from campaign.report.topics.curves.payload import CurvesFigure
from campaign.report.topics.curves.plot import curves_plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Curves(Topic[CurvesFigure]):
    """Errors of validation by epoch, size by size."""

    name = "curves"
    section = TRAINING

    def figures(self, harvest: Harvest, crystal: Crystal) -> Iterator[CurvesFigure]:
        sizes = harvest.sizes(crystal.name)
        return filter(None, (curves_figure(harvest, crystal.name, size) for size in sizes))

    def draw(self, payload: CurvesFigure) -> Figure:
        return draw_curves(payload)

    def plot(self, payload: CurvesFigure) -> Plot:
        return curves_plot(payload)
