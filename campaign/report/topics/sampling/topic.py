"""What was drawn to be labelled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.topic import Topic
from campaign.report.topics.sampling.gather import sampling_figure
from campaign.report.topics.sampling.ink import draw_sampling
from campaign.report.topics.sampling.payload import SamplingFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Sampling(Topic[SamplingFigure]):
    """Of systems that an engine labels."""

    name = "sampling"

    def figures(self, harvest: Harvest, crystal: Crystal) -> Iterator[SamplingFigure]:
        made = sampling_figure(harvest, crystal)
        if made is not None:
            yield made

    def draw(self, payload: SamplingFigure) -> Figure:
        return draw_sampling(payload)
