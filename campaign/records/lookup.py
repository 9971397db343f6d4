"""What the database knows of a campaign, gathered for `plan`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from campaign.planning.born import born_work
from campaign.planning.faulty_labels import earlier_keys, versions_before
from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import LabelRequests, label_requests, label_set
from campaign.planning.labels_by_path import standings
from campaign.planning.plan import Plan, plan
from campaign.records import labels
from campaign.records.outputs import fields, wall_times_s
from campaign.spec import ResolvedSpec
from flows.faults import Fault
from flows.keys import job_uuid
from flows.labelling.audit import audit_base, audit_level
from flows.records import BornCharges, Failure, Forecast, Label, LabelSet, LevelAudit, Structure, Sweep
from launchers.farm import Farm
from launchers.queue.claims import holders
from launchers.queue.launchpad import fizzled, queued

Structures = Mapping[str, Mapping[str, Structure]]


def known(
    farm: Farm, spec: ResolvedSpec, published: Mapping[str, LabelSet], structures: Structures | None = None
) -> Knowledge:
    """What is known of `spec`, with its `published` labels by system, and their structures if at hand."""
    at_hand = labels.structures(farm, spec, published) if structures is None else structures
    found = _complete(farm, spec, Knowledge(label_sets=published, structures=at_hand))
    return replace(found, faulty=_faulty(farm, spec, found))


def planned(farm: Farm, spec: ResolvedSpec) -> Plan:
    """The plan of `spec` with all that the database knows."""
    return plan(spec, known(farm, spec, labels.ensure(farm, spec, labels.from_farm(farm))))


def known_then(farm: Farm, spec: ResolvedSpec, now: Knowledge, label_versions: Mapping[str, int]) -> Knowledge:
    """The same, of when these were the versions of labels."""
    then = Knowledge(label_sets=now.label_sets, structures=now.structures, label_versions=label_versions)
    return _complete(farm, spec, then)


def born_charges(farm: Farm, spec: ResolvedSpec) -> dict[str, BornCharges]:
    """Those that the engines of `spec` have computed, by system."""
    asked = {job_uuid(work.key): name for name in spec.systems if (work := born_work(spec, name)) is not None}
    return {asked[uuid]: BornCharges.model_validate(record) for uuid, record in farm.records(asked).items()} if asked else {}


def _complete(farm: Farm, spec: ResolvedSpec, found: Knowledge) -> Knowledge:
    found = replace(found, born=born_charges(farm, spec))
    while True:
        found = _by_path(farm, spec, found)
        found = _with_labels(farm, spec, found)
        more = replace(found, sweeps=_sweeps(farm, spec, found), forecasts=_forecasts(farm, spec, found))
        if more.sweeps == found.sweeps and more.forecasts == found.forecasts:
            return found
        found = more


def _faulty(farm: Farm, spec: ResolvedSpec, found: Knowledge) -> dict[str, Fault]:
    """Of labels that are to come, the fault of those that earlier versions have stored."""
    faulty: dict[str, Fault] = {}
    for versions in versions_before(spec):
        earlier = earlier_keys(spec, found, versions)
        awaited = {job_uuid(key): then for key, then in earlier.items() if not found.settled(then[0])}
        faulty |= {awaited[uuid][0]: awaited[uuid][1] for uuid in farm.delivered(awaited)}
    return faulty


def _by_path(farm: Farm, spec: ResolvedSpec, found: Knowledge) -> Knowledge:
    """With what is stored or claimed under the paths of files alone: used, unless it was taken for other contents."""
    standing = standings(spec, found)
    if not standing:
        return found
    taken = fields(farm, standing, "taken_for")
    claimed = {part for parts in holders(farm, standing).values() for part in parts} | queued(farm, standing).keys()
    there = (taken.keys() | claimed) & standing.keys()
    used = {
        key
        for key in there
        if not standing[key].alone and taken.get(key, {}).get("taken_for") in (None, "", standing[key].digest)
    }
    return replace(found, by_path=frozenset(used), passed_over=frozenset(taken.keys() - used))


def _with_labels(farm: Farm, spec: ResolvedSpec, found: Knowledge) -> Knowledge:
    places = [key for asked in all_wanted(spec, found).values() for key in asked.places]
    if not places:
        return found
    seconds, chunks = wall_times_s(farm, places), holders(farm, places)
    return replace(found, seconds=seconds, chunks=chunks, failed=_failed(farm, chunks, seconds))


def _sweeps(farm: Farm, spec: ResolvedSpec, found: Knowledge) -> dict[str, Sweep]:
    """Those that have run; what one of them has drawn may lead to another."""
    if not any(cells.sampled_by_md for cells in spec.systems.values()):
        return {}
    asked = {job_uuid(work.key): work.system for work in plan(spec, found).of_stage("sample")}
    return {asked[uuid]: Sweep.model_validate(record) for uuid, record in farm.records(asked).items()}


def _forecasts(farm: Farm, spec: ResolvedSpec, found: Knowledge) -> dict[str, Forecast]:
    """Those after the rounds of levels with a target: each may lead to another round."""
    if not spec.has_targets:
        return {}
    rounds = (one for asked in all_wanted(spec, found).values() for one in asked.rounds.values())
    awaited = {job_uuid(one.awaited): one.awaited for one in rounds if one.awaited}
    new = {awaited[uuid]: Forecast.model_validate(record) for uuid, record in farm.records(awaited).items()}
    return {**found.forecasts, **new}


def all_wanted(spec: ResolvedSpec, found: Knowledge) -> dict[str, LabelRequests]:
    """What every system that has engines asks of them."""
    return {name: label_requests(spec, name, found) for name, cells in spec.systems.items() if cells.labelled_by_engines}


def label_sets(farm: Farm, spec: ResolvedSpec, found: Knowledge) -> dict[str, LabelSet]:
    """The labels of every system as they are, audited where all of them are there."""
    sets = dict(found.label_sets)
    for name, asked in all_wanted(spec, found).items():
        made = label_set(spec, name, asked, found)
        stored = farm.records([job_uuid(made.key)])
        sets[name] = LabelSet.model_validate(next(iter(stored.values()))) if stored else _there(made, found)
    return sets


def audit(farm: Farm, spec: ResolvedSpec, found: Knowledge) -> None:
    """Store the audited label set of every system whose engines have nothing left to do, once."""
    for name, asked in all_wanted(spec, found).items():
        made = label_set(spec, name, asked, found)
        if asked.missing(found, tuple(asked.labels)) or farm.delivered([job_uuid(made.key)]):
            continue
        audits = _audits(farm, spec, made)
        if audits:
            whole = made.model_copy(update={"audit": audits})
            farm.store_records({job_uuid(made.key): whole.model_dump(mode="json")}, "label set")


def _failed(farm: Farm, chunks: Mapping[str, tuple[str, ...]], seconds: Mapping[str, float]) -> dict[str, Failure]:
    """Why labels are not there. A job that names none of them has failed for all that it has not stored."""
    found: dict[str, Failure] = {}
    for one in fizzled(farm, queued(farm, chunks).values(), failures_only=True):
        whole = Failure.model_validate(one.failure)
        parts = {part.label_key: part for part in map(Failure.model_validate, one.parts)}
        found |= {key: parts.get(key, whole) for key in chunks[one.key] if key not in seconds}
    return found


def _there(made: LabelSet, found: Knowledge) -> LabelSet:
    """Without the labels that are still to come."""
    stored = {key for one in found.label_sets.values() for keys in one.labels.values() for key in keys.values()}
    stored |= found.seconds.keys()
    labels = {
        level: {structure: key for structure, key in keys.items() if key in stored}
        for level, keys in made.labels.items()
    }
    return made.model_copy(update={"labels": labels})


def _audits(farm: Farm, spec: ResolvedSpec, made: LabelSet) -> dict[str, LevelAudit]:
    base = labels.base(spec, made.system)
    records = farm.records(job_uuid(key) for keys in made.labels.values() for key in keys.values())
    by_level = {
        level: {one: Label.model_validate(records[job_uuid(key)]) for one, key in keys.items()}
        for level, keys in made.labels.items()
        if keys
    }
    if base not in by_level:
        return {}
    below = by_level[base]
    audits = {base: audit_base(below)}
    for level, found in by_level.items():
        both = {key: label for key, label in found.items() if key in below}
        if level != base and both:
            audits[level] = audit_level(both, below, base)
    return audits
