"""What a job may take, and whether it is begun before a deadline: by what jobs of its kind have taken."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from launchers.farm import Farm

EXPECTS = "_expects"  # in the spec of a firework
MARGIN = 1.5  # of jobs of one kind, one may take longer than they do on average
READ_S = 60.0  # for which what was read of all kinds is good enough
START_S = 10.0  # to begin a job with less than that left is of no use


@dataclass(frozen=True)
class Expectation:
    """What a job may take.

    Jobs of a `kind` take alike; `guess_s` is for a kind of which none has run yet. One that `resumes` goes on where it
    was stopped, so it need not fit.
    """

    kind: str
    guess_s: float
    resumes: bool = False

    def as_spec(self) -> dict[str, Any]:
        """As it stands in the spec of a firework."""
        return {EXPECTS: asdict(self)}


@dataclass
class Paces:
    """What jobs of each kind that was measured may take, in seconds; read at most once a minute by who keeps this."""

    farm: Farm
    _known: dict[str, float] = field(default_factory=dict)
    _read: float | None = None

    def known(self) -> dict[str, float]:
        if self._read is None or time.monotonic() - self._read >= READ_S:
            self._known = {one["_id"]: MARGIN * one["total_s"] / one["count"] for one in self.farm.paces.find()}
            self._read = time.monotonic()
        return self._known


def fitting(paces: Mapping[str, float], left_s: float) -> dict[str, Any]:
    """A query on fireworks: those that fit into `left_s` seconds, and those of which nobody knows."""
    if left_s < START_S:
        return {"fw_id": {"$in": []}}
    fit = [kind for kind, seconds in paces.items() if seconds <= left_s]
    kind, guess = f"spec.{EXPECTS}.kind", f"spec.{EXPECTS}.guess_s"
    return {
        "$or": [
            {f"spec.{EXPECTS}": {"$exists": False}},
            {f"spec.{EXPECTS}.resumes": True},
            {kind: {"$in": fit}},
            {kind: {"$nin": list(paces)}, guess: {"$lte": left_s}},
        ]
    }


@dataclass
class Stopwatch:
    """What jobs of this process take, added now and then to what is known of their kinds: many are shorter than a write."""

    farm: Farm
    _running: tuple[str, float] | None = None
    _taken: dict[str, list[float]] = field(default_factory=dict)

    def begin(self, spec: Mapping[str, Any]) -> None:
        """A job of this spec begins. What goes on from a checkpoint tells nothing of its kind."""
        expects = spec.get(EXPECTS)
        self._running = (expects["kind"], time.monotonic()) if expects and not expects["resumes"] else None

    def end(self, completed: bool) -> None:
        """It has ended."""
        if self._running is not None and completed:
            kind, began = self._running
            self._taken.setdefault(kind, []).append(time.monotonic() - began)
        self._running = None

    def tell(self) -> None:
        """Add what has been taken since the last time."""
        while self._taken:
            kind, seconds = next(iter(self._taken.items()))
            taken = {"count": len(seconds), "total_s": sum(seconds)}
            self.farm.paces.update_one({"_id": kind}, {"$inc": taken}, upsert=True)
            del self._taken[kind]


def left_s(deadline: float | None) -> float | None:
    """Seconds until then; None where there is no deadline."""
    return None if deadline is None else deadline - time.time()
