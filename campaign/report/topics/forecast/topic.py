"""How many labels a level needs: errors of frequencies and energies against their number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.sections import LABELS
from campaign.report.topic import Crystals, Topic
from campaign.report.topics.forecast.gather import forecast_figure
from campaign.report.topics.forecast.ink import draw_forecast
from campaign.report.topics.forecast.payload import ForecastFigure
from campaign.results.tables.forecast import sentences

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class LabelForecast(Topic[ForecastFigure]):
    """Of models by force constants, which say how sure they are."""

    name = "forecast"
    section = LABELS

    def concerns(self, harvest: Harvest) -> bool:
        return bool(harvest.campaign.plan.of_stage("forecast"))

    def figures(self, harvest: Harvest, crystal: Crystal) -> Iterator[ForecastFigure]:
        made = forecast_figure(harvest, crystal.name)
        if made is not None:
            yield made

    def draw(self, payload: ForecastFigure) -> Figure:
        return draw_forecast(payload)

    def notes(self, harvest: Harvest, crystals: Crystals) -> Iterator[str]:
        yield from (f"{one}." for one in sentences(harvest.campaign))
