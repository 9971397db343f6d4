"""Who has a piece of work in hand: host, process, since when, and whether it still answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from launchers.endings import as_time, began, heard
from launchers.farm import Farm
from launchers.launchpad import QueuedWork
from launchers.rescue import place

# FireWorks has a running job give a sign of life each hour, and it may miss one
SILENT = timedelta(hours=2)
_LAUNCH = {"launch_id": 1, "host": 1, "fworker.name": 1, "state_history": 1}


@dataclass(frozen=True)
class InHand:
    """A piece of work that is RUNNING, and the process that said so.

    `answers` is whether that process lives: known on this host, None on another, as long as it is not silent for
    too long; then it is False. `process` is None where no worker of ours runs it.
    """

    key: str
    fw_id: int
    host: str
    process: int | None
    began: datetime | None
    heard: datetime | None
    here: bool
    answers: bool | None

    def as_facts(self) -> dict[str, Any]:
        """For JSON: times as ISO texts."""
        times = {name: None if (one := getattr(self, name)) is None else one.isoformat() for name in ("began", "heard")}
        return {**vars(self), **times}


def in_hand(farm: Farm, works: Iterable[QueuedWork]) -> list[InHand]:
    """Who has those of `works` that are running, longest silent first."""
    running = {work.fw_id: work for work in works if work.state == "RUNNING"}
    fields = {"fw_id": 1, "launch_id": 1, "state": 1, "host": 1, "fworker.name": 1, "state_history": 1, "ended": 1}
    found = farm.find(farm.launchpad.launches, "fw_id", running, fields)
    latest = {one["fw_id"]: one for one in sorted(found, key=lambda one: one["launch_id"]) if one["state"] == "RUNNING"}
    held = [_of(running[fw_id], launch) for fw_id, launch in latest.items()]
    return sorted(held, key=lambda one: one.heard or datetime.now(UTC))


def goes_on(farm: Farm, asked: Mapping[str, Any]) -> bool:
    """Whether any firework of the query `asked` is in hand of something that is not silent."""
    fields = {"launches": 1, "updated_on": 1}
    for one in farm.launchpad.fireworks.find({**asked, "state": {"$in": ["RESERVED", "RUNNING"]}}, fields):
        running = list(farm.launchpad.launches.find({"launch_id": {"$in": one["launches"]}, "state": "RUNNING"}, _LAUNCH))
        # reserved: a scheduler gives no signs of life
        if not (all(map(_is_silent, running)) if running else _long_ago(as_time(one.get("updated_on")))):
            return True
    return False


def unanswered(farm: Farm) -> dict[str, int]:
    """How many jobs each silent machine has in hand, by anybody."""
    running = farm.launchpad.launches.find({"state": "RUNNING"}, _LAUNCH)
    return dict(Counter(place(launch)[0] for launch in running if _is_silent(launch)))


def _is_silent(launch: dict[str, Any]) -> bool:
    """Nothing of this machine is: whether a process lives is known here, and what is dead is put back."""
    process = place(launch)[1]
    return not (process is not None and process.is_here()) and _long_ago(as_time(heard(launch)))


def _long_ago(last: datetime | None) -> bool:
    return last is not None and datetime.now(UTC) - last >= SILENT


def _of(work: QueuedWork, launch: dict[str, Any]) -> InHand:
    host, process = place(launch)
    last = as_time(heard(launch))
    here = process is not None and process.is_here()
    answers = None if last is None or datetime.now(UTC) - last < SILENT else False
    if here:
        assert process is not None
        answers = process.lives()
    number = process.pid if process else None
    return InHand(work.key, work.fw_id, host, number, began(launch), last, here, answers)
