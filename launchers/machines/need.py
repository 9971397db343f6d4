"""How much work is ready for a class of allocations, who asks for it, and who may still have it done."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from launchers.farm import Farm
from launchers.machines.scheduler import AT_THE_END_S
from launchers.machines.site import ResourceClass
from launchers.machines.slots import GPU
from launchers.queue.askers import ASKERS
from launchers.queue.endings import RESTS_UNTIL
from launchers.queue.resources import DEVICE
from launchers.queue.walltime import Paces, fitting


class Ready(NamedTuple):
    """What a ready job is for, and who asks for it."""

    device: str | None
    askers: frozenset[str]


def ready(farm: Farm, classes: Mapping[str, ResourceClass]) -> dict[str, tuple[list[frozenset[str]], int]]:
    """For each class, who asks for each ready job that its allocations are to take; and how many are too long for its walltime.

    Of the classes whose slots could run a job the smallest takes it, one with GPUs only where a job is for them or
    there is no other. What nobody is known to ask for is anybody's. What rests after trouble is not ready.
    """
    paces = Paces(farm).known()
    found = {kind: _fit(farm, kind, one, paces) for kind, one in classes.items()}
    taken: dict[str, list[frozenset[str]]] = {kind: [] for kind in classes}
    for number, job in {number: job for fit, _ in found.values() for number, job in fit.items()}.items():
        able = [kind for kind, (fit, _) in found.items() if number in fit]
        taken[min(able, key=lambda kind: _size(classes[kind], job.device))].append(job.askers)
    return {kind: (taken[kind], found[kind][1]) for kind in classes}


def _fit(farm: Farm, kind: str, one: ResourceClass, paces: Mapping[str, float]) -> tuple[dict[int, Ready], int]:
    """The ready jobs that a class could run, by the numbers of their fireworks; and how many it cannot for their length alone."""
    offer = one.offer(kind)
    wanted: dict[str, Any] = {"state": "READY", f"spec.{RESTS_UNTIL}": {"$not": {"$gt": time.time()}}}
    if one.categories:
        wanted["spec._category"] = {"$in": list(one.categories)}
    lasts_s = one.walltime - AT_THE_END_S
    fit = {**wanted, "$and": [offer.query(lasts_s), fitting(paces, lasts_s)]}
    fields = {"fw_id": 1, f"spec.{DEVICE}": 1, f"spec.{ASKERS}": 1}
    found = {each["fw_id"]: each.get("spec", {}) for each in farm.launchpad.fireworks.find(fit, fields)}
    able = farm.launchpad.fireworks.count_documents({**wanted, "$and": [offer.query()]})
    jobs = {number: Ready(spec.get(DEVICE), frozenset(spec.get(ASKERS, ()))) for number, spec in found.items()}
    return jobs, max(able - len(jobs), 0)


def _size(one: ResourceClass, device: str | None) -> tuple[float, ...]:
    """What is compared to find the smallest: first whether its GPUs are what the job is for."""
    strange = device is not None and (device == GPU) != bool(one.gpus)
    offer = one.offer("")
    return (strange, one.own, one.gpus, offer.memory_GB or 0.0, offer.cores or 0, one.walltime, one.all_cores)


@dataclass
class Purse:
    """What each campaign may spend, and what of it is spent or promised, in core hours; without a limit it is not there."""

    limits: Mapping[str, float] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)

    def open_work(self, work: Collection[frozenset[str]], core_hours: float) -> tuple[list[frozenset[str]], set[str]]:
        """That of `work` of which somebody who asks for it could pay an allocation, and those who could not."""
        closed: set[str] = set()
        while True:
            left = [askers for askers in work if not askers or askers - closed]
            shares = parts(left)
            poor = {name for name in shares.keys() - closed if self._left(name) < shares[name] * core_hours}
            if not poor:
                return left, closed
            closed |= poor

    def spend(self, shares: Mapping[str, float], core_hours: float) -> None:
        for name, share in shares.items():
            self.spent[name] = self.spent.get(name, 0.0) + share * core_hours

    def say(self, name: str) -> str:
        """`campaign diamond: 90 of its 100 core hours are spent or promised`."""
        return f"campaign {name}: {self.spent.get(name, 0.0):.4g} of its {self.limits[name]:.4g} core hours are spent or promised"

    def _left(self, name: str) -> float:
        return self.limits.get(name, float("inf")) - self.spent.get(name, 0.0) + 1e-9


def parts(work: Collection[frozenset[str]]) -> dict[str, float]:
    """Which part of `work` each asks for; what two ask for counts for both."""
    names = {name for askers in work for name in askers}
    return {name: sum(name in askers for askers in work) / len(work) for name in sorted(names)}
