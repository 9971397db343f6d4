"""What of a campaign rests on labels that a faulty version computed: named to the user, marked in the database.

It is found by planning the campaign as it was planned then: the same function, with the versions of that day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import LabelRequests, label_requests
from campaign.planning.work import Work
from campaign.spec import ResolvedSpec
from flows.faults import FAULTS, Fault, faults_of, label_task
from flows.labelling.computed import label_version
from flows.phonons.settings import DirectPhononTask
from flows.training.datasets import label_keys
from flows.training.force_constants.settings import ForceConstantTask
from flows.training.names import level_title
from flows.training.settings import TrainingTask


@dataclass(frozen=True)
class FaultyLabels:
    """`count` labels of a level that an earlier version computed, and that are not computed again yet.

    `queued`: somebody has asked for all of them.
    """

    system: str
    level: str
    fault: Fault
    count: int
    queued: bool

    def text(self) -> str:
        """For a user: what is wrong, and what to do."""
        labels = "1 label" if self.count == 1 else f"{self.count} labels"
        was, it = ("was", "it") if self.count == 1 else ("were", "they")
        then = f"{it} {'is' if self.count == 1 else 'are'} being computed again" if self.queued else "submit again"
        return (
            f"{labels} of {level_title(self.level)}, {self.system}, {was} computed by a faulty version ({self.fault}; mended in "
            f"{self.fault.mended_in}). Neither {it} nor what was trained on {'it' if self.count == 1 else 'them'} is used or shown: {then}"
        )


    def as_facts(self) -> dict[str, Any]:
        """For JSON."""
        fault = {"fault": self.fault.name, "about": self.fault.about, "mended_in": self.fault.mended_in}
        return {"system": self.system, "level": self.level, "labels": self.count, "queued": self.queued, **fault}


def faulty_labels(system: str, asked: LabelRequests, known: Knowledge) -> Iterator[FaultyLabels]:
    """Level by level, what `known.faulty` has of a system."""
    claimed = {label for labels in known.chunks.values() for label in labels}
    found: dict[tuple[str, Fault], list[bool]] = {}
    for key, (_, level) in asked.places.items():
        if key in known.faulty and not known.settled(key):
            found.setdefault((level, known.faulty[key]), []).append(key in claimed)
    for (level, fault), queued in found.items():
        yield FaultyLabels(system, level, fault, len(queued), all(queued))


def versions_before(spec: ResolvedSpec) -> list[dict[str, int]]:
    """The versions of the label tasks of a campaign at earlier times, the first first; none where none has a fault."""
    tasks: Counter[str] = Counter()
    for cells in spec.systems.values():
        for level, one in cells.levels.items():
            if one.engine is not None:
                task = label_task(cells.engines[one.engine].kind, cells.method(level))
                tasks[task] = label_version(cells.engines[one.engine], cells.method(level))
    last = max(tasks.values(), default=1)
    return [{task: min(version, then) for task, version in tasks.items() if task in FAULTS} for then in range(1, last)]


def earlier_keys(spec: ResolvedSpec, known: Knowledge, versions: Mapping[str, int]) -> dict[str, tuple[str, Fault]]:
    """The label keys of `versions` that are not today's: each with today's key of the same label, and its fault."""
    found = {}
    for name, cells in spec.systems.items():
        if cells.labelled_by_engines:
            now = label_requests(spec, name, known)
            then = label_requests(spec, name, replace(known, label_versions=versions))
            for key, before in zip(now.places, then.places, strict=True):
                if key != before:
                    found[before] = (key, _fault(spec, name, now.places[key][1], versions))
    return found


def resting(work: Mapping[str, Work], earlier: Mapping[str, tuple[str, Fault]]) -> dict[str, str]:
    """Of the `work` of a plan of then, inputs first, what rests on labels of `earlier_keys`, and on which faults."""
    found: dict[str, dict[str, None]] = {}
    for key, one in work.items():
        faults = {str(earlier[label][1]): None for label in _labels(one) if label in earlier}
        for need in one.needs:
            faults |= found.get(need, {})
        if faults:
            found[key] = faults
    return {key: "; ".join(faults) for key, faults in found.items()}


def _labels(work: Work) -> Iterator[str]:
    match work.task:
        case TrainingTask() | ForceConstantTask():
            yield from label_keys(work.task)
        case DirectPhononTask(labels=labels):
            yield from labels


def _fault(spec: ResolvedSpec, system: str, level: str, versions: Mapping[str, int]) -> Fault:
    cells = spec.systems[system]
    engine = cells.levels[level].engine
    assert engine is not None
    task = label_task(cells.engines[engine].kind, cells.method(level))
    return faults_of(task, versions[task])[0]
