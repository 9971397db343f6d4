"""Leases: of many calls at about the same time, one or two act, and none is lost; or one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from launchers.farm import Farm
from launchers.queue.endings import as_time
from launchers.queue.lease import sole

LEASE = timedelta(seconds=60)
POLL_S = 0.2


def debounced(farm: Farm, action: Callable[[], Any], name: str = "advance", lease: timedelta = LEASE) -> bool:
    """Have `action` done at least once after this call began; True if this call did it.

    Whoever holds the lease acts for all who asked before it began. A holder that dies is replaced when its
    lease ends.
    """
    leases = farm.leases
    asked = _ask(leases, name)
    while True:
        held = _take(leases, name, farm.token, lease)
        if held is not None:
            begun = time.monotonic()
            if held.get("served", 0) < asked:
                action()
            mine, ended = {"_id": name, "by": farm.token}, {"took_s": time.monotonic() - begun, "ended_at": datetime.now(UTC)}
            leases.update_one(mine, {"$set": {"until": None, **ended}, "$max": {"served": max(held["asked"], asked)}})
            return True
        if _is_served(leases, name, asked):
            return False
        time.sleep(POLL_S)


def resting(farm: Farm, name: str, times: float) -> bool:
    """Whether what was last done under this name ended less than `times` what it took ago."""
    last = farm.leases.find_one({"_id": name}) or {}
    ended = as_time(last.get("ended_at"))
    return ended is not None and datetime.now(UTC) < ended + timedelta(seconds=times * last["took_s"])


@contextmanager
def exclusive(farm: Farm, name: str, lease: timedelta = LEASE) -> Iterator[None]:
    """Within it, nobody else is in one of this name; one that lasts longer than its lease is taken for dead."""
    while True:
        with sole(farm, name, lease) as held:
            if held is not None:
                yield
                return
        time.sleep(POLL_S)


def _ask(leases: Any, name: str) -> int:
    for _ in range(2):
        try:
            return leases.find_one_and_update(
                {"_id": name}, {"$inc": {"asked": 1}}, upsert=True, return_document=ReturnDocument.AFTER
            )["asked"]
        except DuplicateKeyError:  # two made the document at once
            continue
    return _ask(leases, name)


def _take(leases: Any, name: str, token: str, lease: timedelta) -> dict[str, Any] | None:
    now = datetime.now(UTC)
    free = {"_id": name, "$or": [{"until": None}, {"until": {"$lt": now}}]}
    return leases.find_one_and_update(
        free, {"$set": {"by": token, "until": now + lease}}, return_document=ReturnDocument.AFTER
    )


def _is_served(leases: Any, name: str, asked: int) -> bool:
    document = leases.find_one({"_id": name}, {"served": 1})
    return document is not None and document.get("served", 0) >= asked
