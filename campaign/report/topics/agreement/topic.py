"""Sums with MACE beside sums with force constants: whether two independent methods agree."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.crystal import Crystal
from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.page_table import PageTable, result_table
from campaign.report.sections import PHONONS
from campaign.report.topic import Crystals, Topic
from campaign.report.topics.agreement.sentence import agreement_sentence
from campaign.results.tables.agreement import levels_of_both


class Agreement(Topic[Figure]):
    """The table, and in a sentence what it says."""

    name = "agreement"
    section = PHONONS

    def concerns(self, harvest: Harvest) -> bool:
        return bool(levels_of_both(harvest.campaign.spec.models))

    def sentence(self, harvest: Harvest, crystal: Crystal) -> str:
        return agreement_sentence(harvest.campaign, crystal.name)

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:
        yield result_table(harvest.campaign, "agreement")
