"""What was killed when, and from FireWorks' launches what became of the work that was in hand then."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any

import pymongo

UNFINISHED = ["READY", "WAITING", "RESERVED", "RUNNING", "PAUSED"]


@dataclass
class Ledger:
    """The kills of one run, and the launches in the database at `uri`."""

    uri: str
    kills: list[tuple[float, str, list[str]]] = field(default_factory=list)
    launches: list[dict[str, Any]] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._client: pymongo.MongoClient = pymongo.MongoClient(self.uri, serverSelectionTimeoutMS=500, socketTimeoutMS=5000)
        self._database = self._client["latticefarm"]

    def killed(self, kind: str, names: list[str]) -> None:
        self.kills.append((time.time(), kind, names))

    def counts(self) -> Counter[str]:
        return Counter(kind for _, kind, _ in self.kills)

    def idle(self) -> bool:
        """Whether nothing is in the queue, or nobody can say."""
        try:
            return self._database.fireworks.find_one({"state": {"$in": UNFINISHED}}, {"_id": 1}) is None
        except pymongo.errors.PyMongoError:
            return False

    def read(self) -> None:
        """Take the launches out of the database."""
        fields = {"fw_id": 1, "launch_id": 1, "state": 1, "fworker.name": 1, "host": 1, "state_history": 1, "ended": 1}
        self.launches = sorted(self._database.launches.find({}, fields), key=lambda one: one["launch_id"])
        self.states = Counter(one["state"] for one in self._database.fireworks.find({}, {"state": 1}))

    def unfinished(self) -> dict[str, int]:
        return {state: self.states[state] for state in UNFINISHED if self.states[state]}


@dataclass(frozen=True)
class Interrupted:
    """A job that was in hand when its process was killed: for how long it had run, and until it ran again."""

    kind: str
    thrown_away_s: float
    waited_s: float | None


def cost(ledger: Ledger) -> Iterator[str]:
    """A line for each kind of kill whose victims had work in hand."""
    of_kinds: dict[str, list[Interrupted]] = defaultdict(list)
    for one in interrupted(ledger):
        of_kinds[one.kind].append(one)
    for kind, every in sorted(of_kinds.items()):
        waited = [one.waited_s for one in every if one.waited_s is not None]
        again = f"begun again after {median(waited):.0f} s (median; at most {max(waited):.0f} s)" if waited else "none begun again"
        thrown = sum(one.thrown_away_s for one in every) / len(every)
        others = f"; {len(every) - len(waited)} were not, as what they found was delivered, or for good" if len(waited) < len(every) else ""
        yield f"{kind}: {len(every)} jobs were in hand, had run for {thrown:.0f} s (mean), {again}{others}"


def interrupted(ledger: Ledger) -> Iterator[Interrupted]:
    """The launches that were running under a killed process. A result that was delivered later was not begun again."""
    of_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    of_firework: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for launch in ledger.launches:
        of_name[place(launch)].append(launch)
        of_firework[launch["fw_id"]].append(launch)
    for at, kind, names in ledger.kills:
        for launch in (one for name in names for one in of_name[key(name)]):
            began, ended = when(launch, "RUNNING"), when(launch, "COMPLETED")
            if began is None or began > at or (ended is not None and ended < at) or launch["launch_id"] != _last_before(of_name[place(launch)], at):
                continue
            later = [when(one, "RUNNING") for one in of_firework[launch["fw_id"]] if one["launch_id"] > launch["launch_id"]]
            again = min((moment for moment in later if moment is not None), default=None)
            yield Interrupted(kind, at - began, None if again is None else again - at)


def _last_before(launches: list[dict[str, Any]], at: float) -> int:
    return max(one["launch_id"] for one in launches if (when(one, "RUNNING") or at + 1) <= at)


def key(name: str) -> str:
    """A process without the second of its start, which two clocks may round otherwise."""
    return name.rsplit(":", 1)[0]


def place(launch: dict[str, Any]) -> str:
    """Of our workers the process; of others nothing but the host is known."""
    name = (launch.get("fworker") or {}).get("name") or ""
    return key(name) if name.count(":") >= 2 else launch.get("host") or ""


def when(launch: dict[str, Any], state: str) -> float | None:
    """The Unix time at which a launch came into a state."""
    for one in launch["state_history"]:
        if one["state"] == state and (moment := one.get("created_on")):
            found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
            return found.replace(tzinfo=UTC).timestamp()
    return None
