"""The tables of labels: those that were audited, and what could not be used."""

from __future__ import annotations

from dataclasses import replace

from campaign.report.page_table import AT_MOST, PageTable, Row, result_table
from campaign.report.titles import title_of
from campaign.results.campaign import Campaign
from campaign.results.render import records
from campaign.results.tables.failures import SHORT_KEY


def label_table(campaign: Campaign) -> PageTable:
    """The audit of each level."""
    empty = "No labels yet that were audited: that is done when all are there."
    return replace(result_table(campaign, "labels"), empty=empty)


def set_aside_table(campaign: Campaign) -> PageTable:
    """Frames, levels and labels that could not be used."""
    rows = records(campaign.table("set-aside"))
    shown = [(row["system"], title_of(row["level"]), _place(row), row["reason"]) for row in rows[:AT_MOST]]
    more = (f"{len(rows) - AT_MOST} more: latticefarm results {campaign.name} set-aside",) if len(rows) > AT_MOST else ()
    return PageTable(
        "set-aside",
        "What could not be used, and why: frames of files, and structures of which an engine has no label",
        ("system", "level", "what", "reason"),
        tuple(shown),
        notes=more,
        fold="Set aside",
    )


def _place(row: Row) -> str:
    if row.get("file"):
        return row["file"] if row.get("frame") is None else f"{row['file']}, frame {row['frame']}"
    return row.get("structure") or (f"structure {row['structure_key'][:SHORT_KEY]}" if row.get("structure_key") else "all")
