"""Who has a piece of work in hand: host, process, since when, and whether it still answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from launchers.endings import as_time, began, heard
from launchers.farm import Farm
from launchers.launchpad import QueuedWork
from launchers.rescue import place

# FireWorks has a running job give a sign of life each hour, and it may miss one
SILENT = timedelta(hours=2)


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
