"""Find a campaign in a database."""

from __future__ import annotations

from campaign.records.campaigns import campaign_names as campaign_names
from campaign.records.campaigns import resolved_spec
from campaign.results.campaign import Campaign
from campaign.results.errors import NoDatabase, UnknownCampaign
from campaign.spec.errors import nearest
from launchers.farm import Farm


def connect(name: str) -> Campaign:
    """The campaign `name` in the database that the environment names, or in the one of this machine.

    Raises:
        NoDatabase: there is none.
        UnknownCampaign: nobody submitted a campaign of that name.
    """
    from launchers.database import ladder

    found = ladder.find()
    if found is None:
        raise NoDatabase(
            "no database: none runs on this machine and LATTICEFARM_MONGO_URI names none; "
            "start one with `latticefarm db start`"
        )
    return open_campaign(Farm.open(found), name)


def open_campaign(farm: Farm, name: str) -> Campaign:
    """The campaign `name` as it was last submitted to `farm`.

    Raises:
        UnknownCampaign: nobody submitted a campaign of that name.
    """
    try:
        return Campaign(farm, resolved_spec(farm, name))
    except KeyError:
        raise UnknownCampaign(f"no campaign {name!r} in this database; {_advice(farm, name)}") from None


def _advice(farm: Farm, name: str) -> str:
    names = campaign_names(farm)
    return nearest(name, names) if names else "it holds none yet: latticefarm submit SPEC adds one"
