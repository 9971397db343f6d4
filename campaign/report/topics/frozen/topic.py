"""The check against frozen phonons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.ink.plot import Plot
from campaign.report.page_table import PageTable
from campaign.report.sections import CHECK
from campaign.report.topic import Crystals, Topic
from campaign.report.topics.frozen.gather import frozen_figure
from campaign.report.topics.frozen.ink import draw_frozen
from campaign.report.topics.frozen.payload import FrozenFigure
from campaign.report.topics.frozen.plot import frozen_plot
from campaign.report.topics.frozen.sentence import frozen_sentence
from campaign.report.topics.frozen.source import FrozenSource
from campaign.report.topics.frozen.table import frozen_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Frozen(Topic[FrozenFigure]):
    """The optical mode at Γ by the engine itself, and models beside it; in a sentence, too."""

    name = "frozen"
    section = CHECK

    def concerns(self, harvest: Harvest) -> bool:
        return any(cells.frozen_phonon is not None for cells in harvest.campaign.spec.systems.values())

    def figures(self, harvest: Harvest, crystal: Crystal) -> Iterator[FrozenFigure]:
        made = frozen_figure(FrozenSource(harvest, crystal))
        if made is not None:
            yield made

    def draw(self, payload: FrozenFigure) -> Figure:
        return draw_frozen(payload)

    def plot(self, payload: FrozenFigure) -> Plot:
        return frozen_plot(payload)

    def sentence(self, harvest: Harvest, crystal: Crystal) -> str:
        return frozen_sentence(harvest, crystal.name)

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:
        checked = [name for name, one in crystals.items() if one.cells.frozen_phonon is not None]
        yield frozen_table(harvest.campaign, checked)
