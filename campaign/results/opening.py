"""Find campaigns in a database."""

from __future__ import annotations

from campaign.planning.born import with_born
from campaign.records.campaigns import campaign_names as campaign_names
from campaign.records.campaigns import resolved_spec
from campaign.records.lookup import born_charges
from campaign.results.campaign import Campaign
from campaign.results.errors import NoDatabase, UnknownCampaign
from campaign.results.many import Campaigns
from campaign.spec.errors import nearest
from launchers.farm import Farm


def connect(name: str) -> Campaign:
    """The campaign `name` in the database that the environment names, or in the one of this machine.

    Raises:
        NoDatabase: there is none.
        UnknownCampaign: nobody submitted a campaign of that name.
    """
    return open_campaign(_farm(), name)


def connect_all(*names: str) -> Campaigns:
    """All campaigns of the database of `connect`, or those of these names: their tables have a column `campaign`.

    Raises:
        NoDatabase: there is none.
        UnknownCampaign: nobody submitted a campaign of one of these names, or any at all.
    """
    return open_campaigns(_farm(), *names)


def open_campaign(farm: Farm, name: str) -> Campaign:
    """The campaign `name` as it was last submitted to `farm`.

    Raises:
        UnknownCampaign: nobody submitted a campaign of that name.
    """
    try:
        spec = resolved_spec(farm, name)
        return Campaign(farm, with_born(spec, born_charges(farm, spec)))
    except KeyError:
        raise UnknownCampaign(f"no campaign {name!r} in this database; {_advice(farm, name)}") from None


def open_campaigns(farm: Farm, *names: str) -> Campaigns:
    """All campaigns of `farm`, or those of these names.

    Raises:
        UnknownCampaign: nobody submitted a campaign of one of these names, or any at all.
    """
    known = campaign_names(farm)
    if not known:
        raise UnknownCampaign(f"no campaign in this database; {_advice(farm, '')}")
    for name in names:
        if name not in known:
            raise UnknownCampaign(f"no campaign {name!r} in this database; {nearest(name, known)}")
    return Campaigns(farm, tuple(dict.fromkeys(names)) or tuple(known), open_campaign)


def _farm() -> Farm:
    from launchers.database import ladder

    found = ladder.find()
    if found is None:
        raise NoDatabase(
            "no database: none runs on this machine and LATTICEFARM_MONGO_URI names none; "
            "start one with `latticefarm db start`"
        )
    return Farm.open(found)


def _advice(farm: Farm, name: str) -> str:
    names = campaign_names(farm)
    return nearest(name, names) if names else "it holds none yet: latticefarm submit SPEC adds one"
