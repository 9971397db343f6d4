"""The table of failures: which work, and what it said."""

from __future__ import annotations

from dataclasses import replace

from campaign.report.page_table import PageTable, result_table
from campaign.results.campaign import Campaign


def failures_table(campaign: Campaign) -> PageTable:
    """Work that failed, and its error."""
    return replace(result_table(campaign, "failures"), heading="Failures", empty="None.")
