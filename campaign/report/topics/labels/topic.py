"""Labels: who made them, their audit, and what could not be used."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.report.document import Figure
from campaign.report.engines import labels_text
from campaign.report.harvest import Harvest
from campaign.report.page_table import PageTable
from campaign.report.sections import LABELS
from campaign.report.topic import Crystals, Topic
from campaign.report.topics.labels.table import label_table, set_aside_table


class Labels(Topic[Figure]):
    """What engines have labelled, also before all is there and audited; two tables."""

    name = "labels"
    section = LABELS

    def notes(self, harvest: Harvest, crystals: Crystals) -> Iterator[str]:
        for name, crystal in crystals.items():
            text = " ".join(filter(None, labels_text(crystal.cells, harvest.labelled(name))))
            if text:
                yield f"{name}: {text}"

    def tables(self, harvest: Harvest, crystals: Crystals) -> Iterator[PageTable]:
        yield label_table(harvest.campaign)
        yield set_aside_table(harvest.campaign)
