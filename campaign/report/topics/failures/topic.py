"""Work that failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from campaign.report.document import Figure
from campaign.report.harvest import Harvest
from campaign.report.page_table import PageTable, result_table
from campaign.report.sections import MISSING
from campaign.report.topic import Crystals, Topic


class Failures(Topic[Figure]):
    """The table of failures."""

    name = "failures"
    section = MISSING

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:  # noqa: ARG002
        yield replace(result_table(harvest.campaign, "failures"), heading="Failures", empty="None.")
