"""Work that is not done."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.page_table import PageList
from campaign.report.sections import MISSING
from campaign.report.topic import Crystals, Topic
from campaign.report.topics.remainder.listing import remainder


class Remainder(Topic[Figure]):
    """A list, kind by kind."""

    name = "remainder"
    section = MISSING

    def lists(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageList]:
        yield PageList("Not done", tuple(remainder(harvest)), "Nothing: all work is done.")
