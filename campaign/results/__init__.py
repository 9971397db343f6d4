"""What came of a campaign: typed records, data frames, models and phonopy files.

from campaign.results import connect

diamond = connect("diamond-paper")
diamond.table("phonons")                        # a pandas frame; `TABLES` lists them all
diamond.trainings()                             # typed records, each with its place in the plan
diamond.potential("diamond", "delta_ccsd(t)", 861, "full")  # an ASE calculator
"""

from campaign.results.campaign import Campaign
from campaign.results.errors import NoDatabase, UnknownCampaign, UnknownResult, UnknownTable
from campaign.results.failed import FailedWork
from campaign.results.opening import campaign_names, connect, open_campaign
from campaign.results.result import Result
from campaign.results.tables import TABLES

__all__ = [
    "TABLES",
    "Campaign",
    "FailedWork",
    "NoDatabase",
    "Result",
    "UnknownCampaign",
    "UnknownResult",
    "UnknownTable",
    "campaign_names",
    "connect",
    "open_campaign",
]
