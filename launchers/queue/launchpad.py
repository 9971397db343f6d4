"""The queue as seen by key: in which state the work of each key is, why it failed, and how to steer it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

from launchers.farm import Farm
from launchers.queue.endings import exception_of, is_machine_trouble, last_line, too_large
from launchers.queue.retries import RETRY, may_go_on

_TOO_LARGE = "it gives a document that is larger than MongoDB takes (16 MB)"
_SMALLER = "ask for less in one job (fewer structures, a coarser mesh): run again as it is, it fails again"


@dataclass(frozen=True)
class QueuedWork:
    """The workflow of one key, in FireWorks' own words.

    `state` is that of the firework that delivers (the follow-up of a delivered record does not count);
    `fw_id` is its number, for `lpad`; `nodes` are those of all fireworks of the workflow.
    """

    key: str
    fw_id: int
    state: str
    metadata: dict[str, Any]
    nodes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Fizzled:
    """Why the work of a key is FIZZLED: the failure that the job raised, or the end of its traceback.

    `parts` are the failures of its parts, where the job named some; `attempts` those of a job that was given up. `host` is
    where it ran last, `runs` how often it did.
    """

    key: str
    fw_id: int
    failure: dict[str, Any]
    launch_directory: str
    traceback: str
    parts: tuple[dict[str, Any], ...] = ()
    attempts: tuple[dict[str, Any], ...] = ()
    host: str = ""
    runs: int = 0


def queued(farm: Farm, keys: Iterable[str]) -> dict[str, QueuedWork]:
    """The workflow of each of `keys` that has one."""
    fields = {"metadata": 1, "fw_states": 1, "nodes": 1, "links": 1}
    found = {}
    for workflow in farm.find(farm.launchpad.workflows, "metadata.key", keys, fields):
        fw_id = delivering(workflow)
        state = workflow["fw_states"].get(str(fw_id), "WAITING")
        key = workflow["metadata"]["key"]
        found[key] = QueuedWork(key, fw_id, state, workflow["metadata"], tuple(workflow["nodes"]))
    return found


def delivering(workflow: dict[str, Any]) -> int:
    """The firework that delivers the record: the last, but for the follow-up behind it.

    Nodes are numbered as they were added: parents first, the follow-up at the end.
    """
    follow_up = workflow["metadata"].get("follow_up", False)
    nodes = sorted(workflow["nodes"])
    return nodes[-2] if follow_up and len(nodes) > 1 else nodes[-1]


def fizzled(farm: Farm, works: Iterable[QueuedWork], *, failures_only: bool = False) -> list[Fizzled]:
    """The failures of those of `works` that are FIZZLED; with `failures_only` not what only waits to be rescued."""
    by_id = {work.fw_id: work for work in works if work.state == "FIZZLED"}
    fields = {"fw_id": 1, "launch_id": 1, "state": 1, "action.stored_data._exception": 1, "launch_dir": 1, "host": 1}
    found = list(farm.find(farm.launchpad.launches, "fw_id", by_id, fields))
    runs = Counter(one["fw_id"] for one in found)
    ended = sorted((one for one in found if one["state"] == "FIZZLED"), key=lambda one: one["launch_id"])
    latest = {launch["fw_id"]: launch for launch in ended}
    if failures_only:
        trouble = {fw_id for fw_id in by_id if is_machine_trouble(latest.get(fw_id, {}))}
        trouble -= _unreadable(farm, trouble - set(latest))
        trouble |= _to_be_run_again(farm, by_id.keys() - trouble)
        by_id = {fw_id: work for fw_id, work in by_id.items() if fw_id not in trouble}
    return [_fizzled(work, latest.get(fw_id, {}), runs[fw_id]) for fw_id, work in by_id.items()]


def _to_be_run_again(farm: Farm, fw_ids: Iterable[int]) -> set[int]:
    """Those whose calculation failed, of which their campaign says that it is tried again."""
    told = {"fw_id": {"$in": list(fw_ids)}, f"spec.{RETRY}": {"$exists": True}}
    found = set()
    for one in farm.launchpad.fireworks.find(told, {"fw_id": 1, "launches": 1, "archived_launches": 1, f"spec.{RETRY}": 1}):
        numbers = sorted([*one.get("launches", []), *one.get("archived_launches", [])])
        earlier = farm.launchpad.launches.find({"launch_id": {"$in": numbers[:-1]}}, {"ended": 1})
        found |= {one["fw_id"]} if numbers and may_go_on(one["spec"], list(earlier)) else set()
    return found


def _unreadable(farm: Farm, fw_ids: Iterable[int]) -> set[int]:
    """Those that no worker could even read: their reason stands in the firework."""
    found = farm.find(farm.launchpad.fireworks, "fw_id", fw_ids, {"fw_id": 1, "spec._exception_details": 1})
    return {one["fw_id"] for one in found if "_exception_details" in one["spec"]}


def to_rescue(farm: Farm, works: Iterable[QueuedWork]) -> set[str]:
    """The keys of those of `works` that are FIZZLED and have not failed: a worker puts them back."""
    ended = [work for work in works if work.state == "FIZZLED"]
    return {work.key for work in ended} - {one.key for one in fizzled(farm, ended, failures_only=True)}


def _fizzled(work: QueuedWork, launch: dict[str, Any], runs: int) -> Fizzled:
    exception = exception_of(launch)
    traceback = exception.get("_stacktrace") or ""
    details = exception.get("_details") or {}
    failure = details.get("failure") or _failure(work, last_line(exception) or "no launch was recorded")
    parts, attempts = (tuple(details.get(name) or ()) for name in ("parts", "attempts"))
    where = launch.get("launch_dir", "")
    return Fizzled(work.key, work.fw_id, failure, where, traceback, parts, attempts, launch.get("host", ""), runs)


def _failure(work: QueuedWork, line: str) -> dict[str, Any]:
    """The failure of a job that did not say it in its own words."""
    stage = work.metadata.get("stage", "?")
    if too_large(line):
        return {"stage": stage, "kind": "too-large", "message": f"{_TOO_LARGE}: {line}", "advice": _SMALLER}
    return {"stage": stage, "kind": "error", "message": line}


def withdraw(farm: Farm, keys: Iterable[str]) -> list[str]:
    """Take the failed work of `keys` out of the queue, so that it can be added as it is asked for now."""
    return _delete(farm, [work for work in queued(farm, keys).values() if work.state == "FIZZLED"])


def pause(farm: Farm, keys: Iterable[str]) -> list[str]:
    """Hold back the waiting work of `keys`; what runs goes on."""
    works = [work for work in queued(farm, keys).values() if work.state in ("READY", "WAITING")]
    for work in works:
        farm.launchpad.pause_fw(work.fw_id)
    return [work.key for work in works]


def resume(farm: Farm, keys: Iterable[str]) -> list[str]:
    """Let go on what was paused."""
    works = [work for work in queued(farm, keys).values() if work.state == "PAUSED"]
    for work in works:
        farm.launchpad.resume_fw(work.fw_id)
    return [work.key for work in works]


def cancel(farm: Farm, keys: Iterable[str]) -> list[str]:
    """Take the work of `keys` that has not begun out of the queue, claims included: asking again queues it again."""
    states = ("READY", "WAITING", "PAUSED", "FIZZLED")
    return _delete(farm, [work for work in queued(farm, keys).values() if work.state in states])


def _delete(farm: Farm, works: Iterable[QueuedWork]) -> list[str]:
    deleted = []
    for work in works:
        with redirect_stdout(StringIO()):  # FireWorks prints what it removes
            farm.launchpad.delete_wf(work.fw_id)
        farm.work.delete_one({"_id": work.key})
        deleted.append(work.key)
    return deleted


def waiting_keys(farm: Farm) -> list[str]:
    """The keys of all work in the queue that has not begun."""
    asked = {"state": {"$in": ["READY", "WAITING", "PAUSED"]}, "metadata.key": {"$exists": True}}
    return [one["metadata"]["key"] for one in farm.launchpad.workflows.find(asked, {"metadata.key": 1, "_id": 0})]


def counts(farm: Farm) -> dict[str, int]:
    """How many fireworks are in each state, in the whole queue."""
    groups = farm.launchpad.fireworks.aggregate([{"$group": {"_id": "$state", "count": {"$sum": 1}}}])
    return {group["_id"]: group["count"] for group in groups}
