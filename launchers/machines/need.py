"""How much work is ready for a class of allocations, who asks for it, and who may still have it done."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from launchers.farm import Farm
from launchers.machines.scheduler import AT_THE_END_S
from launchers.machines.site import ResourceClass
from launchers.queue.endings import RESTS_UNTIL
from launchers.queue.walltime import fitting

Askers = Callable[[Farm, Iterable[str]], Mapping[str, Set[str]]]
"""Who asks for each of these keys of work; one that is not there is anybody's."""


def nobody(farm: Farm, keys: Iterable[str]) -> dict[str, set[str]]:  # noqa: ARG001 - one of the `Askers`
    """Where no campaigns are known."""
    return {}


def ready(farm: Farm, one: ResourceClass, askers: Askers = nobody) -> tuple[list[frozenset[str]], int]:
    """For each ready job that an allocation can take, who asks for it; and how many are too long for its walltime.

    What rests after trouble is not ready.
    """
    wanted: dict[str, Any] = {"state": "READY", f"spec.{RESTS_UNTIL}": {"$not": {"$gt": time.time()}}}
    if one.categories:
        wanted["spec._category"] = {"$in": list(one.categories)}
    fit = {**wanted, "$and": [fitting(farm, one.walltime - AT_THE_END_S)]}
    numbers = [each["fw_id"] for each in farm.launchpad.fireworks.find(fit, {"fw_id": 1})]
    too_long = farm.launchpad.fireworks.count_documents(wanted) - len(numbers)
    keys = _keys(farm, numbers)
    asked_by = askers(farm, keys.values())
    return [frozenset(asked_by.get(keys.get(number, ""), ())) for number in numbers], max(too_long, 0)


def _keys(farm: Farm, numbers: Iterable[int]) -> dict[int, str]:
    found = farm.find(farm.launchpad.workflows, "nodes", numbers, {"nodes": 1, "metadata.key": 1})
    return {node: one["metadata"].get("key", "") for one in found for node in one["nodes"]}


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
