"""Who has a piece of work in hand: host, process, since when, and whether it still answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from launchers.farm import Farm, server_time
from launchers.queue.endings import as_time, began, heard
from launchers.queue.launchpad import QueuedWork
from launchers.workers.heartbeats import SILENT_S, UNHEARD_S, Beat
from launchers.workers.rescue import place

# without a heartbeat: FireWorks has a running job give a sign of life each hour, and it may miss one
SILENT = timedelta(hours=2)
_LAUNCH = {"launch_id": 1, "host": 1, "fworker.name": 1, "state_history": 1}


@dataclass(frozen=True)
class InHand:
    """A piece of work that is RUNNING, and the process that said so.

    `answers` is whether that process lives: known on this host and of slots that have a heartbeat (`beats`), None on
    another host where nobody can say, as long as it is not silent for too long; then it is False. `process` is None where
    no worker of ours runs it. `slot`, `gpu` and `allocation` (`slurm:4242`) are those that its heartbeat names.
    """

    key: str
    fw_id: int
    host: str
    process: int | None
    began: datetime | None
    heard: datetime | None
    here: bool
    answers: bool | None
    beats: bool = False
    slot: int | None = None
    gpu: str = ""
    allocation: str = ""

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
    beats = _beats(farm, latest.values())
    now = server_time(farm) if beats else datetime.now(UTC)
    held = [_of(running[fw_id], launch, beats.get(launch["fworker"]["name"]), now) for fw_id, launch in latest.items()]
    return sorted(held, key=lambda one: one.heard or datetime.now(UTC))


def goes_on(farm: Farm, asked: Mapping[str, Any]) -> bool:
    """Whether any firework of the query `asked` is in hand of something that is not silent, or will be put back."""
    fields = {"launches": 1, "updated_on": 1}
    for one in farm.launchpad.fireworks.find({**asked, "state": {"$in": ["RESERVED", "RUNNING"]}}, fields):
        running = list(farm.launchpad.launches.find({"launch_id": {"$in": one["launches"]}, "state": "RUNNING"}, _LAUNCH))
        # reserved: a scheduler gives no signs of life
        if len(_silent(farm, running)) < len(running) or not (running or _long_ago(as_time(one.get("updated_on")))):
            return True
    return False


def nobody_works(farm: Farm) -> bool:
    """Whether no slot is heard of, and nothing is in hand of a process without a heartbeat that may live."""
    if farm.heartbeats.find_one({"beat": {"$gt": server_time(farm) - timedelta(seconds=UNHEARD_S)}}, {"_id": 1}):
        return False
    running = list(farm.launchpad.launches.find({"state": "RUNNING"}, _LAUNCH))
    beats = _beats(farm, running)
    return not any(map(_may_live, (one for one in running if one["fworker"]["name"] not in beats)))


def _may_live(launch: dict[str, Any]) -> bool:
    process = place(launch)[1]
    return process.lives() if process is not None and process.is_here() else not _long_ago(as_time(heard(launch)))


def unanswered(farm: Farm) -> dict[str, int]:
    """How many jobs each silent machine has in hand, by anybody."""
    running = list(farm.launchpad.launches.find({"state": "RUNNING"}, _LAUNCH))
    return dict(Counter(place(launch)[0] for launch in _silent(farm, running)))


def _silent(farm: Farm, launches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that nobody hears of, and nobody puts back: a person has to say that their machine is gone.

    None of this machine, where it is known whether a process lives; none whose slot has a heartbeat, since whoever
    watches for it, as each worker does, puts its work back after two minutes of silence.
    """
    old = [one for one in launches if _long_ago(as_time(heard(one))) and not ((process := place(one)[1]) and process.is_here())]
    beats = _beats(farm, old) if old else {}
    return [one for one in old if one["fworker"]["name"] not in beats]


def _long_ago(last: datetime | None) -> bool:
    return last is not None and datetime.now(UTC) - last >= SILENT


def _beats(farm: Farm, launches: Iterable[dict[str, Any]]) -> dict[str, Beat]:
    names = [launch["fworker"]["name"] for launch in launches]
    return {one["_id"]: Beat(one) for one in farm.heartbeats.find({"_id": {"$in": names}})}


def _of(work: QueuedWork, launch: dict[str, Any], beat: Beat | None, now: datetime) -> InHand:
    """`now` is the time of the database: only times of its own are compared with it."""
    host, process = place(launch)
    number = process.pid if process else None
    here = process is not None and (beat.here if beat else process.is_here())
    if beat is None:
        last = as_time(heard(launch))
        answers = None if last is None or datetime.now(UTC) - last < SILENT else False
        told = InHand(work.key, work.fw_id, host, number, began(launch), last, here, answers)
    else:
        silence = now - (as_time(beat.document["beat"]) or now)
        told = _with(beat, InHand(work.key, work.fw_id, host, number, began(launch), datetime.now(UTC) - silence, here, _answers(silence)))
    return told if not here or process is None else replace(told, answers=process.lives())


def _answers(silence: timedelta) -> bool | None:
    if silence < timedelta(seconds=UNHEARD_S):
        return True
    return None if silence < timedelta(seconds=SILENT_S) else False


def _with(beat: Beat, one: InHand) -> InHand:
    said = beat.document
    allocation = f"{said['scheduler']}:{said['allocation']}" if said["allocation"] else ""
    return replace(one, beats=True, slot=said["slot"], gpu=said["gpu"], allocation=allocation)
