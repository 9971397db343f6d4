"""Who asks for which work, and what they may spend: for those who launch allocations."""

from __future__ import annotations

from campaign.records.campaigns import campaign_names, resolved_spec
from campaign.steering.submit import planned
from launchers.farm import Farm


def budgets(farm: Farm) -> dict[str, float]:
    """The core hours that each campaign may spend; those without a budget are left out."""
    found = farm.campaigns.find({"spec.budget.core_hours": {"$gt": 0}}, {"spec.budget.core_hours": 1})
    return {one["_id"]: one["spec"]["budget"]["core_hours"] for one in found}


def askers(farm: Farm) -> dict[str, set[str]]:
    """For each key of work, the campaigns that ask for it: every campaign is planned."""
    found: dict[str, set[str]] = {}
    for name in campaign_names(farm):
        for key in planned(farm, resolved_spec(farm, name)).work:
            found.setdefault(key, set()).add(name)
    return found
