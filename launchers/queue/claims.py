"""Claims: how one key gets one workflow, however many submit at once and whatever is killed.

A submitter inserts `{_id: key}` into `work`; only the winner adds the workflow. A claim that has neither
workflow nor record, and is older than the grace, is taken over by compare-and-set. A unique index on
`workflows.metadata.key` holds the line where a claimant was only slow. Work with `parts` claims them in the same
document: a unique index on `work.parts` lets no two claims share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pymongo.errors import BulkWriteError

from launchers.envelopes import Envelope
from launchers.farm import DUPLICATE_KEY, Farm

GRACE = timedelta(minutes=2)


def add(farm: Farm, envelopes: Sequence[Envelope], grace: timedelta = GRACE) -> list[str]:
    """Put into the queue what is neither queued nor delivered; return the keys that this call added.

    Doing it twice, or in two places at once, adds nothing twice.
    """
    added: list[str] = []
    for _ in range(3):  # a lost race leaves half-added work of ours: the next round repairs it
        wanted = _missing(farm, envelopes)
        ours = _claim(farm, {envelope.key: envelope.parts for envelope in wanted}, grace)
        _remove_half_added(farm, ours)
        ready = [envelope for envelope in _missing(farm, wanted) if envelope.key in ours]
        if not ready:
            break
        added += _insert(farm, ready)
    return added


def _missing(farm: Farm, envelopes: Sequence[Envelope]) -> list[Envelope]:
    distinct = {envelope.key: envelope for envelope in envelopes}
    whole = _whole(farm, distinct)
    delivered = farm.delivered(envelope.uuid for envelope in distinct.values())
    return [one for one in distinct.values() if one.key not in whole and one.uuid not in delivered]


def _whole(farm: Farm, keys: Iterable[str]) -> set[str]:
    return {key for key, (nodes, found) in _nodes(farm, keys).items() if nodes == found}


def _nodes(farm: Farm, keys: Iterable[str]) -> dict[str, tuple[set[int], set[int]]]:
    """For each key that has a workflow: the fireworks that it names, and those that exist."""
    named = {
        workflow["metadata"]["key"]: set(workflow["nodes"])
        for workflow in farm.find(farm.launchpad.workflows, "metadata.key", keys, {"metadata.key": 1, "nodes": 1})
    }
    every = (node for nodes in named.values() for node in nodes)
    existing = {one["fw_id"] for one in farm.find(farm.launchpad.fireworks, "fw_id", every, {"fw_id": 1})}
    return {key: (nodes, nodes & existing) for key, nodes in named.items()}


def holders(farm: Farm, parts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The claims that hold any of `parts`, by key, each with all parts that it holds."""
    return {one["_id"]: tuple(one["parts"]) for one in farm.find(farm.work, "parts", parts, {"parts": 1})}


def _claim(farm: Farm, wanted: Mapping[str, tuple[str, ...]], grace: timedelta) -> set[str]:
    if not wanted:
        return set()
    keys, now = list(wanted), datetime.now(UTC)
    mine = {"token": farm.token, "claimed_at": now}
    insert_new(
        farm, [{"_id": key, **mine, **({"parts": parts} if parts else {})} for key, parts in wanted.items()]
    )
    stale = {"token": {"$ne": farm.token}, "claimed_at": {"$lt": now - grace}}
    for claim in list(farm.find(farm.work, "_id", keys, {"token": 1, "claimed_at": 1})):
        if claim["token"] != farm.token:
            farm.work.update_one(
                {"_id": claim["_id"], **stale}, {"$set": mine}
            )
    return {one["_id"] for one in farm.find(farm.work, "_id", keys, {"token": 1}) if one["token"] == farm.token}


def claim_finished(farm: Farm, chunks: Mapping[str, tuple[str, ...]]) -> None:
    """Claim work that another farm has finished, each key with its parts, but for what somebody here has claimed."""
    mine = {"token": farm.token, "claimed_at": datetime.now(UTC)}
    if chunks:
        insert_new(farm, [{"_id": key, **mine, "parts": list(parts)} for key, parts in chunks.items()])


def insert_new(farm: Farm, claims: list[dict[str, object]]) -> None:
    """Insert those claims whose key, and whose parts, nobody has claimed."""
    farm.put_new(farm.work, claims)


def _remove_half_added(farm: Farm, keys: set[str]) -> None:
    for key, (nodes, found) in _nodes(farm, keys).items():
        if nodes != found:
            farm.launchpad.fireworks.delete_many({"fw_id": {"$in": list(nodes)}})
            farm.launchpad.workflows.delete_one({"metadata.key": key})


def _insert(farm: Farm, envelopes: Sequence[Envelope]) -> list[str]:
    try:
        farm.launchpad.bulk_add_wfs([envelope.workflow() for envelope in envelopes])
    except BulkWriteError as error:
        if any(one["code"] != DUPLICATE_KEY for one in error.details["writeErrors"]):
            raise
        return []
    return [envelope.key for envelope in envelopes]
