"""All systems of a campaign at a glance."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.overview.rows import system_rows
from campaign.report.overview.table import overview_table
from campaign.report.page_table import PageTable
from campaign.report.sections import OVERVIEW
from campaign.report.topic import Crystals, Topic


class Overview(Topic[Figure]):
    """A table, where there are several systems."""

    name = "overview"
    section = OVERVIEW

    def concerns(self, harvest: Harvest) -> bool:
        return len(harvest.campaign.spec.systems) > 1

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:
        yield overview_table(list(system_rows(harvest)))
