"""What the work of a campaign has taken: jobs, wall time and processor time by stage, system and level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from campaign.planning.work import Work, is_model
from campaign.records.outputs import Cost, costs
from campaign.results.columns import Column, Table
from campaign.results.tables.places import SYSTEM
from flows.training.names import ModelName

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes

_HOUR_S = 3600.0


def _rows(campaign: Outcomes) -> Iterator[dict[str, Any]]:
    groups: dict[tuple[str, str, str], list[Work]] = {}
    for work in campaign.layout.work.values():
        groups.setdefault((work.stage, work.system, _level(work)), []).append(work)
    works = campaign.layout.work.values()
    found = costs(campaign.farm, [key for work in works for key in (work.key, *work.parts)])
    for (stage, system, level), asked in groups.items():
        done = [work for work in asked if work.key in found]
        labels = [found[part] for work in asked for part in work.parts if part in found]
        if done or labels:
            jobs = [found[work.key] for work in done]
            yield {"stage": stage, "system": system, "level": level, "planned_jobs": len(asked), "jobs": len(done), **_sums(jobs, labels)}


def _level(work: Work) -> str:
    """Of labels and phonons of a level itself as the plan names it."""
    return ModelName.parse(work.model).level if is_model(work.model) else work.model


def _sums(jobs: list[Cost], labels: list[Cost]) -> dict[str, Any]:
    """Labels are there one by one, before their job ends: what each took counts, not what its job says of all."""
    told = [one.processor_s for one in jobs if one.processor_s is not None]
    return {
        "labels": len(labels) or None,
        "wall_hours": sum(one.wall_s for one in labels or jobs) / _HOUR_S,
        "processor_hours": sum(told) / _HOUR_S if told else None,
        "told_jobs": len(told),
    }


def _notes(frame: Any) -> list[str]:
    notes = ["wall: of the work itself, as its records say, without waiting, lost attempts and loading of programs; labels that were computed twice count once"]
    untold = int((frame["jobs"] - frame["told_jobs"]).sum())
    if untold:
        notes.append(f"CPU: not known of {untold} jobs, which ran before version 0.3, and not in the sums")
    told = frame["processor_hours"].dropna()
    processors = f", {told.sum():.3g} h CPU" if len(told) else ""
    return [*notes, f"in all {frame['jobs'].sum()} jobs, {frame['wall_hours'].sum():.3g} h wall{processors}"]


TIME = Table(
    "time",
    "what the work has taken: jobs, wall and processor hours by stage, system and level",
    (
        Column("stage", header="stage"),
        SYSTEM,
        Column("level", header="level", least=8),
        Column("jobs", "int", "jobs\ndone"),
        Column("planned_jobs", "int", "jobs\nasked"),
        Column("labels", "int", "labels"),
        Column("wall_hours", "float", "wall\nh", 3),
        Column("processor_hours", "float", "CPU\nh", 3),
        Column("told_jobs", "int"),
    ),
    _rows,
    notes=lambda frame: _notes(frame) if len(frame) else [],
)
