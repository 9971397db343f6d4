"""Who asks for a job: names in the spec of its fireworks, so that a worker can be told to work for one of them alone.

A field of the spec is kept through whatever FireWorks does to a firework, and is part of the query of a checkout, which
then costs the same however many jobs somebody asks for. A list, not a name: what two ask for is one job.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain

from launchers.farm import Farm, batches
from launchers.queue.launchpad import QueuedWork

ASKERS = "_asked_by"
_OPEN = ["WAITING", "READY", "RESERVED", "RUNNING", "PAUSED", "DEFUSED", "FIZZLED"]


def add_asker(farm: Farm, asker: str, works: Iterable[QueuedWork]) -> None:
    """Have `asker` stand in all of `works` too."""
    _add(farm, asker, chain.from_iterable(work.nodes for work in works))


def keep_askers(farm: Farm, asker: str, works: Iterable[QueuedWork], keys: Collection[str]) -> None:
    """Have `asker` stand in all of `works`, and in no other open work but that of `keys`; twice changes nothing."""
    field = f"spec.{ASKERS}"
    asked = set(chain.from_iterable(work.nodes for work in works))
    marked = {one["fw_id"] for one in farm.launchpad.fireworks.find({"state": {"$in": _OPEN}, field: asker}, {"fw_id": 1})}
    _add(farm, asker, asked - marked)
    for batch in batches(_of_others(farm, marked - asked, keys)):
        farm.launchpad.fireworks.update_many({"fw_id": {"$in": batch}}, {"$pull": {field: asker}})


def _add(farm: Farm, asker: str, nodes: Iterable[int]) -> None:
    for batch in batches(nodes):
        farm.launchpad.fireworks.update_many({"fw_id": {"$in": batch}}, {"$addToSet": {f"spec.{ASKERS}": asker}})


def _of_others(farm: Farm, nodes: set[int], keys: Collection[str]) -> set[int]:
    """Without those that follow up delivered work of `keys`."""
    found = farm.find(farm.launchpad.workflows, "nodes", nodes, {"metadata.key": 1, "nodes": 1})
    return nodes - set(chain.from_iterable(one["nodes"] for one in found if one["metadata"].get("key") in keys))
