"""The topics of the report, in the order in which they stand within a section: a folder each, and a line here."""

from __future__ import annotations

from typing import Any

from campaign.report.topic import Topic
from campaign.report.topics.agreement.topic import Agreement
from campaign.report.topics.bands.topic import Bands
from campaign.report.topics.curves.topic import Curves
from campaign.report.topics.errors.topic import Errors
from campaign.report.topics.failures.topic import Failures
from campaign.report.topics.forecast.topic import LabelForecast
from campaign.report.topics.frozen.topic import Frozen
from campaign.report.topics.gaps.topic import Gaps
from campaign.report.topics.labels.topic import Labels
from campaign.report.topics.overview.topic import Overview
from campaign.report.topics.points.topic import Points
from campaign.report.topics.references.topic import References
from campaign.report.topics.remainder.topic import Remainder
from campaign.report.topics.sampling.topic import Sampling
from campaign.report.topics.seeds.topic import Seeds
from campaign.report.topics.thermal.topic import Thermal
from campaign.report.topics.vibrations.topic import Vibrations
from campaign.report.topics.zone.topic import Zone

TOPICS: tuple[Topic[Any], ...] = (
    Overview(),
    Bands(),
    Zone(),
    Vibrations(),
    Errors(),
    Sampling(),
    Seeds(),
    Points(),
    Agreement(),
    References(),
    Thermal(),
    Frozen(),
    Curves(),
    LabelForecast(),
    Labels(),
    Gaps(),
    Failures(),
    Remainder(),
)
