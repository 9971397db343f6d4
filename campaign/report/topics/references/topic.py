"""Values from the literature, and of the user."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.page_table import PageTable
from campaign.report.sections import PHONONS
from campaign.report.topic import Crystals, Topic
from campaign.report.topics.references.table import reference_table


class References(Topic[Figure]):
    """The table; figures show the values that they can."""

    name = "references"
    section = PHONONS

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:
        yield reference_table(list(crystals.values()))
