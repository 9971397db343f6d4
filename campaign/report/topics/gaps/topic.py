"""What the labels at hand do not allow."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.page_table import PageTable
from campaign.report.sections import MISSING
from campaign.report.topic import Crystals, Topic
from campaign.report.topics.gaps.table import gaps_table


class Gaps(Topic[Figure]):
    """The table of models that cannot be had."""

    name = "gaps"
    section = MISSING

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:
        yield gaps_table(harvest.campaign)
