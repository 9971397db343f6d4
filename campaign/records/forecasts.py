"""Forecasts of how many labels it takes, as they are stored, and what they say of targets."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.planning.outlook import outlook
from campaign.planning.plan import Plan
from campaign.planning.work import Work
from campaign.spec import ResolvedSpec
from flows.keys import job_uuid
from flows.records import Forecast
from launchers.farm import Farm


def stored_forecasts(farm: Farm, made: Plan) -> list[tuple[Work, Forecast]]:
    """Those of a plan that are there, in its order."""
    works = {job_uuid(work.key): work for work in made.of_stage("forecast")}
    stored = farm.records(works)
    return [(work, Forecast.model_validate(stored[uuid])) for uuid, work in works.items() if uuid in stored]


def targets(farm: Farm, spec: ResolvedSpec, made: Plan) -> Iterator[str]:
    """How far the levels with a target are from it, a sentence for each."""
    if spec.has_targets:
        yield from (one.text for one in outlook(spec, made, stored_forecasts(farm, made)) if one.has_target)
