"""Whether two methods agree, in a sentence for each level."""

from __future__ import annotations

from campaign.results.campaign import Campaign
from campaign.results.render import records


def agreement_sentence(campaign: Campaign, system: str) -> str:
    """Of sums that have both learned; of several sizes the first, which is the largest that is asked for."""
    rows = [row for row in records(campaign.table("agreement")) if row["system"] == system and row["learned"]]
    first = {row["level"]: row for row in reversed(rows)}
    return " ".join(f"{row['network']} and {row['lattice']}, two methods, {row['verdict']}." for row in reversed(first.values()))
