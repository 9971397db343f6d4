"""Reconciliation: what a campaign asks for and the database lacks is added to the queue.

Doing it twice, or in two places at once, changes nothing. It is called by the user, and by workers whose queue is
empty; the `advance` at the end of a workflow that others wait for looks only at what this releases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from campaign.planning.plan import plan
from campaign.planning.stages import find_stage
from campaign.records import labels
from campaign.records.campaigns import demands, holds, keep, resolved_spec, set_ended, unended_specs
from campaign.records.lookup import audit, known
from campaign.records.lookup import planned as planned
from campaign.records.plans import asking, keep_plan, waiting_for
from campaign.spec import LoadedSpec, ResolvedSpec
from campaign.steering.changed_demands import renew
from campaign.steering.holds import is_held
from campaign.steering.leftovers import take_out
from campaign.steering.marking import mark_faulty, take_by_path
from campaign.steering.seal import envelope
from campaign.steering.status import ENDED, State, Status, status_of
from flows.keys import job_uuid
from flows.leftovers import sweep_delivered
from flows.records import LabelSet
from launchers.farm import Farm
from launchers.queue.askers import add_asker, keep_askers
from launchers.queue.claims import GRACE, add
from launchers.queue.debounce import debounced, resting
from launchers.queue.launchpad import queued
from launchers.queue.patience import patiently

REST = 20.0  # times what a reconciliation of everything took: it may cost a twentieth of a core


@dataclass(frozen=True)
class Submitted:
    """What a submission found, the keys that it added, and those that it took out as nobody asks for them any more."""

    status: Status
    added: tuple[str, ...]
    taken_out: tuple[str, ...] = ()


def submit(farm: Farm, loaded: LoadedSpec, grace: timedelta = GRACE) -> Submitted:
    """Keep the campaign in the database, with its data files and labels, and queue the work that is ready.

    Waits while the database is away.

    Raises:
        LabelError: the labels of a base level cannot be used.
    """

    def once() -> Submitted:
        for sha256, path in loaded.files.items():
            farm.keep_file(sha256, path)
        published = labels.ensure(farm, loaded.resolved, labels.from_disk(loaded.files), refuse=True)
        keep(farm, loaded.resolved, loaded.text)
        done = _reconcile(farm, loaded.resolved, published, grace)
        renew(farm, done.status.plan.work, done.status.queued, loaded.resolved.demands)
        return replace(done, taken_out=tuple(take_out(farm, loaded.resolved.campaign)))

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
    take_by_path(farm, spec, found)
    now = status_of(farm, plan(spec, found))
    keep_plan(farm, now.plan)
    added = add(farm, [envelope(work, now.plan.dependents[work.key], spec.demands) for work in now.of(State.MISSING)], grace)
    set_ended(farm, spec.campaign, now.of_all(ENDED))
    open_work = [*now.queued.values(), *queued(farm, added).values()]
    keep_askers(farm, spec.campaign, open_work, now.plan.work)
    return Submitted(now, tuple(added))


def advance(farm: Farm, key: str | None = None) -> bool:
    """Queue what the record of `key` releases; without a key, reconcile every campaign that goes on.

    The latter is the safety net: many calls at once do it once, and it rests for `REST` times what it took. False: it
    rests, and nothing was looked at.
    """
    if key is not None:
        _release(farm, key)
        for name in sorted(asking(farm, [key]).get(key, ())) if _opens(farm, key) else ():
            debounced(farm, lambda name=name: reconcile(farm, resolved_spec(farm, name)), f"advance {name}")  # type: ignore[misc]
    elif resting(farm, "advance", REST):
        return False
    else:
        debounced(farm, lambda: _advance(farm))
    return True


def _release(farm: Farm, key: str) -> None:
    # what labels are still to be shared out, a reconciliation decides: the job that stands for them is none to be run
    waiting = [one for one in waiting_for(farm, key) if not one[1].parts]
    there = farm.delivered({job_uuid(need) for _, work, _ in waiting for need in work.needs})
    held = {name: holds(farm, name) for name in {name for name, _, _ in waiting}}
    asked = {name: demands(farm, name) for name in held}
    ready = {
        work.key: envelope(work, dependents, asked[name])
        for name, work, dependents in waiting
        if there >= set(map(job_uuid, work.needs)) and not is_held(work, held[name])
    }
    add(farm, list(ready.values()))
    works = queued(farm, ready)
    for name in held:
        add_asker(farm, name, [works[work.key] for asker, work, _ in waiting if asker == name and work.key in works])


def _opens(farm: Farm, key: str) -> bool:
    works = queued(farm, [key])
    return key not in works or find_stage(works[key].metadata["stage"]).opens


def _advance(farm: Farm) -> None:
    sweep_delivered(farm.store)
    for spec in unended_specs(farm):
        reconcile(farm, spec)
