"""The campaigns of a database: what each asks for, and which of its parts are held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from campaign.spec import ResolvedSpec
from campaign.spec.demands import Demands
from launchers.farm import Farm

Selection = Mapping[str, Any]
"""Fields of work and their values (`{"model": "hf-dft"}`); an empty one is the whole campaign."""

NOTES = 50  # of what people did to a campaign: the last


def keep(farm: Farm, spec: ResolvedSpec, written: str = "") -> None:
    """Make `spec` what its campaign asks for, `written` so by its user; what was paused stays so."""
    document = {"spec": spec.model_dump(mode="json"), "submitted_at": datetime.now(UTC), "ended": False, "yaml": written}
    farm.campaigns.update_one({"_id": spec.campaign}, {"$set": document}, upsert=True)


def resolved_spec(farm: Farm, name: str) -> ResolvedSpec:
    """What the campaign `name` asks for.

    Raises:
        KeyError: there is no such campaign.
    """
    document = farm.campaigns.find_one({"_id": name}, {"spec": 1})
    if document is None:
        raise KeyError(f"no campaign {name!r} in the database")
    return ResolvedSpec.model_validate(document["spec"])


def adopt(farm: Farm, spec: ResolvedSpec, **about: Any) -> None:
    """Keep a campaign of another database, with what its `standing` said there. One of that name that is here stays as it is.

    It counts as ended: nobody plans it until it is submitted.
    """
    document = {"spec": spec.model_dump(mode="json"), **about, "ended": True}
    farm.campaigns.update_one({"_id": spec.campaign}, {"$setOnInsert": document}, upsert=True)


def standing(farm: Farm, name: str) -> dict[str, Any]:
    """What is kept of a campaign beside its spec: its `yaml`, when it was `submitted_at`, which parts are `held`."""
    document = farm.campaigns.find_one({"_id": name}, {"yaml": 1, "submitted_at": 1, "held": 1}) or {}
    return {"yaml": document.get("yaml") or "", "submitted_at": document.get("submitted_at"), "held": document.get("held", [])}


def unended_specs(farm: Farm) -> Iterator[ResolvedSpec]:
    """What every campaign asks for of which something can still go on."""
    for document in list(farm.campaigns.find({"ended": {"$ne": True}}, {"spec": 1})):
        yield ResolvedSpec.model_validate(document["spec"])


def unkept_names(farm: Farm) -> list[str]:
    """The campaigns whose plan is not kept, or not whole."""
    return sorted(one["_id"] for one in farm.campaigns.find({"plan": None}, {"_id": 1}))


def set_ended(farm: Farm, name: str, ended: bool) -> None:
    """Say whether all of a campaign is done, has failed or is blocked."""
    farm.campaigns.update_one({"_id": name}, {"$set": {"ended": ended}})


def campaign_names(farm: Farm) -> list[str]:
    """The names of all campaigns that were submitted to `farm`, sorted."""
    return sorted(document["_id"] for document in farm.campaigns.find({}, {"_id": 1}))


def budgets(farm: Farm) -> dict[str, float]:
    """The core hours that each campaign may spend; those without a budget are left out."""
    found = farm.campaigns.find({"spec.budget.core_hours": {"$gt": 0}}, {"spec.budget.core_hours": 1})
    return {one["_id"]: one["spec"]["budget"]["core_hours"] for one in found}


def demands(farm: Farm, name: str) -> Demands:
    """What the jobs of a campaign ask of machines."""
    said = dict.fromkeys((f"spec.{field}" for field in Demands.model_fields), 1)
    return Demands.model_validate((farm.campaigns.find_one({"_id": name}, said) or {}).get("spec", {}))


def holds(farm: Farm, campaign: str) -> list[Selection]:
    """The selections of a campaign that are held."""
    document = farm.campaigns.find_one({"_id": campaign}, {"held": 1}) or {}
    return document.get("held", [])


def hold(farm: Farm, campaign: str, selection: Selection) -> None:
    """Hold a selection, once."""
    farm.campaigns.update_one({"_id": campaign}, {"$addToSet": {"held": dict(selection)}})


def release(farm: Farm, campaign: str, selection: Selection) -> None:
    """Let go every held selection that lies within `selection`."""
    for held in holds(farm, campaign):
        if selection.items() <= held.items():
            farm.campaigns.update_one({"_id": campaign}, {"$pull": {"held": held}})


def notes(farm: Farm, campaign: str) -> list[dict[str, Any]]:
    """What people did to a campaign, the last first."""
    document = farm.campaigns.find_one({"_id": campaign}, {"notes": 1}) or {}
    return list(reversed(document.get("notes", [])))


def overview(farm: Farm) -> dict[str, dict[str, Any]]:
    """All campaigns by name, the newest submission first: when each was submitted, and what of it is held."""
    found = farm.campaigns.find({}, {"submitted_at": 1, "held": 1}).sort("submitted_at", -1)
    return {one["_id"]: one for one in found}


def note(farm: Farm, campaign: str, about: Mapping[str, Any]) -> None:
    """Note what somebody did to a campaign, and when."""
    one = {"at": datetime.now(UTC), **about}
    farm.campaigns.update_one({"_id": campaign}, {"$push": {"notes": {"$each": [one], "$slice": -NOTES}}})
