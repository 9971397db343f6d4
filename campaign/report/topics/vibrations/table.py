"""The table of long MD."""

from __future__ import annotations

from dataclasses import replace

from campaign.report.page_table import PageTable, result_table
from campaign.results.campaign import Campaign


def vibrations_table(campaign: Campaign) -> PageTable:
    """MD of every model and seed."""
    return replace(result_table(campaign, "vibrations"), empty="No MD is done yet.")
