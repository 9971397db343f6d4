"""Work that failed."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.page_table import PageTable
from campaign.report.sections import MISSING
from campaign.report.topic import Crystals, Topic
from campaign.report.topics.failures.table import failures_table


class Failures(Topic[Figure]):
    """The table of failures."""

    name = "failures"
    section = MISSING

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:
        yield failures_table(harvest.campaign)
