"""What came of campaigns: typed records, data frames, models and phonopy files.

from campaign.results import connect, connect_all

diamond = connect("diamond-paper")
diamond.table("phonons")                        # a pandas frame; `TABLES` lists them all
connect_all().table("points", point="Γ")        # of all campaigns of the database
diamond.trainings()                             # typed records, each with its place in the plan
diamond.potential("diamond", "delta_ccsd(t)", 861, "full")  # an ASE calculator
"""

from campaign.results.campaign import Campaign
from campaign.results.errors import NoDatabase, UnknownCampaign, UnknownResult, UnknownTable
from campaign.results.failed import FailedWork
from campaign.results.many import Campaigns
from campaign.results.opening import campaign_names, connect, connect_all, open_campaign, open_campaigns
from campaign.results.result import Result
from campaign.results.tables import TABLES
from campaign.results.thermal import ThermalResult

__all__ = [
    "TABLES",
    "Campaign",
    "Campaigns",
    "FailedWork",
    "NoDatabase",
    "Result",
    "ThermalResult",
    "UnknownCampaign",
    "UnknownResult",
    "UnknownTable",
    "campaign_names",
    "connect",
    "connect_all",
    "open_campaign",
    "open_campaigns",
]
