"""Phonons at named points."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.crystal import Crystal
from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.page_table import PageTable
from campaign.report.sections import PHONONS
from campaign.report.topic import Crystals, Topic
from campaign.report.topics.points.sentence import points_sentence
from campaign.report.topics.points.table import points_table


class Points(Topic[Figure]):
    """The table, and in a sentence the optical mode at Γ."""

    name = "points"
    section = PHONONS

    def sentence(self, harvest: Harvest, crystal: Crystal) -> str:
        return points_sentence(harvest, crystal)

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:
        yield points_table(harvest.campaign, crystals)
