"""Errors of the energy, and the table of all trainings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.ink.plot import Plot
from campaign.report.page_table import PageTable
from campaign.report.sections import TRAINING
from campaign.report.topic import Crystals, Topic
from campaign.report.topics.errors.gather import errors_figure
from campaign.report.topics.errors.ink import draw_errors
from campaign.report.topics.errors.payload import ErrorsFigure
from campaign.report.topics.errors.plot import errors_plot
from campaign.report.topics.errors.table import training_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Errors(Topic[ErrorsFigure]):
    """A chart for each system; the table is of all of them."""

    name = "errors"
    table_section = TRAINING

    def figures(self, harvest: Harvest, crystal: Crystal) -> Iterator[ErrorsFigure]:
        made = errors_figure(harvest, crystal.name)
        if made is not None:
            yield made

    def draw(self, payload: ErrorsFigure) -> Figure:
        return draw_errors(payload)

    def plot(self, payload: ErrorsFigure) -> Plot:
        return errors_plot(payload)

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:
        yield training_table(harvest.campaign)
