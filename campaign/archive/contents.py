"""What belongs to a campaign in a database: the keys of its records, its data files, the shares of its labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from campaign.planning.faulty_labels import earlier_keys, versions_before
from campaign.planning.knowledge import Knowledge
from campaign.planning.labels_by_path import standings
from campaign.planning.plan import Plan, plan
from campaign.records import labels
from campaign.records.lookup import known, known_then, label_sets
from campaign.records.outputs import fields, stored
from campaign.spec import ResolvedSpec
from launchers.farm import Farm
from launchers.queue.claims import holders


@dataclass(frozen=True)
class Contents:
    """`plan` is what is asked for; `keys` are of all records of the campaign that are there, `finished` those of them that
    the plan names; `chunks` are the labels that are there of each finished job of labels."""

    plan: Plan
    keys: frozenset[str]
    finished: frozenset[str]
    chunks: dict[str, tuple[str, ...]]


def contents(farm: Farm, spec: ResolvedSpec) -> Contents:
    """What the database has of a campaign."""
    found = known(farm, spec, labels.stored_or_unusable(farm, spec))
    asked = plan(spec, found)
    keys = stored(farm, {*_of_plan(asked), *_of_sets(farm, spec, found), *_of_before(farm, spec, found)})
    finished = keys & asked.work.keys()
    return Contents(asked, frozenset(keys), frozenset(finished), _chunks(farm, asked, keys))


def input_names(spec: ResolvedSpec) -> dict[str, str]:
    """The name of each data file of a campaign, by its sha256."""
    found: dict[str, str] = {}
    for cells in spec.systems.values():
        for level in cells.levels.values():
            found |= {sha256: name for file in level.files for sha256, name in file.names.items()}
        found |= {file.sha256: file.name for reference in cells.reference.values() for file in reference.kept}
        given = (file for engine in cells.engines.values() for _, file in engine.given_files())
        found |= {sha256: place for file in given for sha256, place in file.contents()}
    return found


def _of_plan(asked: Plan) -> Iterator[str]:
    for work in asked.work.values():
        yield from (work.key, *work.parts)
    for requests in asked.requests.values():
        yield from requests.places


def _of_sets(farm: Farm, spec: ResolvedSpec, found: Knowledge) -> Iterator[str]:
    """Label sets, as they are read today and as they were read before, and their labels."""
    made = label_sets(farm, spec, found)
    keys = [*labels.set_keys(spec), *(one.key for one in (*made.values(), *found.label_sets.values()))]
    yield from keys
    for one in fields(farm, keys, "labels").values():
        yield from (label for of_level in one["labels"].values() for label in of_level.values())


def _of_before(farm: Farm, spec: ResolvedSpec, found: Knowledge) -> Iterator[str]:
    """What faulty versions have computed, what rests on it, and labels by the paths of files: none is ever lost."""
    yield from standings(spec, found)
    for versions in versions_before(spec):
        yield from earlier_keys(spec, found, versions)
        yield from _of_plan(plan(spec, known_then(farm, spec, found, versions)))


def _chunks(farm: Farm, asked: Plan, keys: set[str]) -> dict[str, tuple[str, ...]]:
    """Of claims only what is there: a label that stands in one and is not there would never be computed."""
    parts = [part for work in asked.of_stage("label") for part in work.parts]
    return {key: tuple(one for one in held if one in keys) for key, held in sorted(holders(farm, parts).items()) if key in keys}
