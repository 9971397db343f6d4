"""Marks in the database: what rests on labels of a faulty version, so that whoever queries it sees the reason; and what
labels by the path of a file were taken for, so that they are not taken for anything else."""

from __future__ import annotations

from campaign.planning.faulty_labels import earlier_keys, resting, versions_before
from campaign.planning.knowledge import Knowledge
from campaign.planning.labels_by_path import standings
from campaign.planning.plan import plan
from campaign.records.lookup import known_then
from campaign.spec import ResolvedSpec
from flows.keys import job_uuid
from launchers.farm import Farm


def mark_faulty(farm: Farm, spec: ResolvedSpec, found: Knowledge) -> None:
    """Put the fault into `faulty` of every stored record of `spec` that has it, or rests on one; once."""
    for versions in versions_before(spec):
        earlier = earlier_keys(spec, found, versions)
        if farm.unmarked(job_uuid(key) for key in earlier):
            then = plan(spec, known_then(farm, spec, found, versions))
            reasons = resting(then.work, earlier) | {key: str(fault) for key, (_, fault) in earlier.items()}
            farm.mark({job_uuid(key): reason for key, reason in reasons.items()})


def take_by_path(farm: Farm, spec: ResolvedSpec, found: Knowledge) -> None:
    """Put into `taken_for` of the labels and samplings that `spec` uses under paths alone what it takes them for; once."""
    if found.by_path:
        standing = standings(spec, found)
        farm.take({job_uuid(key): one.digest for key, one in standing.items() if key in found.by_path})
