"""Who works, on what; which allocations there are; and what waits for which resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from launchers.farm import Farm, server_time
from launchers.machines.allocations import Allocation, live
from launchers.machines.capacities import known, unfit
from launchers.queue.endings import as_time, began
from launchers.queue.resources import DEVICE, NEEDS, Needs
from launchers.workers.heartbeats import SILENT_S, UNHEARD_S
from launchers.workers.rescue import place


@dataclass(frozen=True)
class Slot:
    """A worker: where it is, what it has in hand since when, when it was last heard of, when it has to stop.

    `fw_id` is 0 where it has nothing in hand; `silent_s` is None where it sends no heartbeats.
    """

    host: str
    slot: str
    gpu: str
    allocation: str
    job: str
    fw_id: int
    since: datetime | None
    silent_s: float | None
    deadline: datetime | None

    @property
    def word(self) -> str:
        """`at work`, `idle`, `not heard`, `lost`."""
        if self.silent_s is not None and self.silent_s >= UNHEARD_S:
            return "lost" if self.silent_s >= SILENT_S else "not heard"
        return "at work" if self.fw_id else "idle"


@dataclass(frozen=True)
class Wait:
    """Ready jobs of one sort: the category of their workers, the device and whatever else they need."""

    category: str
    device: str
    needs: str
    count: int


@dataclass(frozen=True)
class Workshop:
    """All of it, at `taken`."""

    taken: datetime
    slots: tuple[Slot, ...]
    allocations: tuple[Allocation, ...]
    waits: tuple[Wait, ...]
    unfit: tuple[str, ...]


def workshop(farm: Farm) -> Workshop:
    """Ask the database, with a few queries, however many jobs there are; schedulers are not asked."""
    beats = {one["_id"]: one for one in farm.heartbeats.find()}
    fields = {"fw_id": 1, "launch_id": 1, "host": 1, "fworker.name": 1, "state_history": 1}
    running = list(farm.launchpad.launches.find({"state": "RUNNING"}, fields))
    others = [one for one in running if (one.get("fworker") or {}).get("name") not in beats]
    numbers = [one["fw_id"] for one in beats.values() if "fw_id" in one] + [one["fw_id"] for one in others]
    names = {one["fw_id"]: one["name"] for one in farm.find(farm.launchpad.fireworks, "fw_id", numbers, {"fw_id": 1, "name": 1})}
    now = server_time(farm)
    slots = [_beating(one, names, now) for one in beats.values()] + [_unheard(one, names) for one in others]
    ordered = tuple(sorted(slots, key=lambda one: (one.host, one.slot)))
    return Workshop(datetime.now(UTC), ordered, tuple(live(farm)), tuple(_waits(farm)), tuple(unfit(farm, known(farm))))


def _beating(one: dict[str, Any], names: Mapping[int, str], now: datetime) -> Slot:
    heard = as_time(one.get("beat"))
    allocation = f"{one['scheduler']}:{one['allocation']}" if one.get("allocation") else ""
    number = one.get("fw_id", 0)
    silence = (now - heard).total_seconds() if heard else None
    since, deadline = as_time(one.get("began")), as_time(one.get("deadline"))
    return Slot(one["host"], str(one["slot"]), one["gpu"], allocation, names.get(number, ""), number, since if number else None, silence, deadline)


def _unheard(launch: dict[str, Any], names: Mapping[int, str]) -> Slot:
    return Slot(place(launch)[0], "", "", "", names.get(launch["fw_id"], ""), launch["fw_id"], began(launch), None, None)


def _waits(farm: Farm) -> list[Wait]:
    sort = {"category": "$spec._category", "device": f"$spec.{DEVICE}", "needs": f"$spec.{NEEDS}"}
    found = farm.launchpad.fireworks.aggregate([{"$match": {"state": "READY"}}, {"$group": {"_id": sort, "count": {"$sum": 1}}}])
    waits = []
    for one in found:
        said = one["_id"]
        needs = Needs.of({NEEDS: said.get("needs")}).text()
        waits.append(Wait(str(said.get("category") or "any"), str(said.get("device") or "any"), needs or "not said", one["count"]))
    return sorted(waits, key=lambda one: -one.count)
