"""Reconciliation: what a campaign asks for and the database lacks is added to the queue.

Doing it twice, or in two places at once, changes nothing. It is called by the user, by the `advance` at the end
of a workflow that others wait for, and by workers whose queue is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from campaign.planning.plan import Plan, plan
from campaign.records import labels
from campaign.records.campaigns import keep, resolved_specs
from campaign.records.lookup import audit, known
from campaign.spec import LoadedSpec, ResolvedSpec
from campaign.steering.marking import mark_faulty
from campaign.steering.seal import envelope
from campaign.steering.status import State, Status, status_of
from flows.records import LabelSet
from launchers.claims import GRACE, add
from launchers.debounce import debounced
from launchers.farm import Farm
from launchers.patience import patiently


@dataclass(frozen=True)
class Submitted:
    """What a submission found, and the keys that it added."""

    status: Status
    added: tuple[str, ...]


def submit(farm: Farm, loaded: LoadedSpec, grace: timedelta = GRACE) -> Submitted:
    """Keep the campaign in the database, with its data files and labels, and queue the work that is ready.

    Waits while the database is away.

    Raises:
        LabelError: the labels of a base level cannot be used.
    """

    def once() -> Submitted:
        for sha256, path in loaded.files.items():
            farm.keep_file(sha256, path)
        published = labels.ensure(farm, loaded.resolved, labels.from_disk(loaded.files))
        keep(farm, loaded.resolved)
        return _reconcile(farm, loaded.resolved, published, grace)

    return patiently(once)


def reconcile(farm: Farm, spec: ResolvedSpec, grace: timedelta = GRACE) -> Submitted:
    """Add to the queue what `spec` asks for, is not there, has its inputs, and is not held."""
    return _reconcile(farm, spec, labels.ensure(farm, spec, labels.from_farm(farm)), grace)


def _reconcile(
    farm: Farm, spec: ResolvedSpec, published: Mapping[str, LabelSet], grace: timedelta
) -> Submitted:
    found = known(farm, spec, published)
    audit(farm, spec, found)
    mark_faulty(farm, spec, found)
    now = status_of(farm, plan(spec, found))
    awaited = now.plan.awaited
    added = add(farm, [envelope(work, work.key in awaited) for work in now.of(State.MISSING)], grace)
    return Submitted(now, tuple(added))


def planned(farm: Farm, spec: ResolvedSpec) -> Plan:
    """The plan of `spec` with all that the database knows."""
    return plan(spec, known(farm, spec, labels.ensure(farm, spec, labels.from_farm(farm))))


def advance(farm: Farm) -> None:
    """Reconcile every campaign; many calls at once do it once."""
    debounced(farm, lambda: _advance(farm))


def _advance(farm: Farm) -> None:
    for spec in resolved_specs(farm):
        reconcile(farm, spec)
