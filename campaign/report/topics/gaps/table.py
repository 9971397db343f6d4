"""The table of gaps: what cannot be had."""

from __future__ import annotations

from campaign.report.page_table import PageTable
from campaign.report.titles import phonons_title
from campaign.results.campaign import Campaign


def gaps_table(campaign: Campaign) -> PageTable:
    """Models, and phonons of levels, that cannot be had."""
    rows = tuple((gap.system, phonons_title(gap.model), gap.why) for gap in campaign.plan.gaps)
    return PageTable(
        "gaps",
        "What the labels at hand do not allow, and why",
        ("system", "model", "why"),
        rows,
        heading="Gaps",
        empty="None: the labels allow every model.",
    )
