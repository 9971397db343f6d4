"""The Brillouin zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.topic import Topic
from campaign.report.topics.zone.gather import zone_figure
from campaign.report.topics.zone.ink import draw_zone
from campaign.report.topics.zone.payload import ZoneFigure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Zone(Topic[ZoneFigure]):
    """The zone with the path of the bands, whatever is done."""

    name = "zone"

    def figures(self, harvest: Harvest, crystal: Crystal) -> tuple[ZoneFigure]:
        return (zone_figure(crystal),)

    def draw(self, payload: ZoneFigure) -> Figure:
        return draw_zone(payload)
