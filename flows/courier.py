"""Who carries checkpoints into the database: a thread of the running job, so that the job never waits for it.

At an interval, and when the job is interrupted (a drain, the end of a walltime, a full disk): then the job waits for
it, but not for long. What cannot be carried waits for the next interval; it never fails the job.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Any

from flows.depot import Depot, NotCarried

INTERVAL_VARIABLE = "LATTICEFARM_CHECKPOINT_INTERVAL_S"
INTERVAL_S = 300.0
DRAIN_S = 3.0  # a worker ends 6 s after it was asked to, and the queue must hear of it


@dataclass(frozen=True)
class Parcel:
    """A file to carry. With a `rank` it replaces those of its own `about["belongs_to"]` of a lower rank."""

    path: Path
    name: str
    about: dict[str, Any]
    rank: int | None = None


@dataclass
class Courier:
    """Carries files into `depot` every `interval_s` within its context; never where that is 0."""

    depot: Depot
    interval_s: float = INTERVAL_S
    _parcels: list[Parcel] = field(default_factory=list)
    _ending: str = ""
    _over: bool = False
    _changed: Condition = field(default_factory=Condition)

    def __enter__(self) -> Courier:
        if self.interval_s > 0:
            Thread(target=self._run, name="checkpoints", daemon=True).start()
        else:
            self._over = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        interrupted = kind is not None and not issubclass(kind, Exception)
        with self._changed:
            self._ending = "carry" if interrupted else "drop"
            self._changed.notify_all()
            if interrupted:
                self._changed.wait_for(lambda: self._over, DRAIN_S)
            self._ending = "drop"

    def offer(self, parcel: Parcel) -> None:
        """Have a file carried with the next ones, unless a newer one replaces it before."""
        if self.interval_s <= 0:
            return
        with self._changed:
            if parcel.rank is not None:
                self._parcels = [one for one in self._parcels if one.rank is None]
            self._parcels.append(parcel)

    def forget(self, below: str, belongs_to: str | None = None) -> None:
        """Drop what was offered and what is in the database, of names that begin with `below` and of this owner, if any."""
        with self._changed:
            self._parcels = [one for one in self._parcels if not one.name.startswith(below)]
        try:
            found = self.depot.listed(below)
            self.depot.remove(one for one in found if belongs_to in (None, one.about["belongs_to"]))
        except Exception as error:  # what leads nowhere does so again; the job's own failure is what counts
            print(f"checkpoints are left in the database ({type(error).__name__})", flush=True)

    def _run(self) -> None:
        due = time.monotonic() + self.interval_s
        while self._ending != "drop":
            with self._changed:
                self._changed.wait_for(lambda: self._ending, max(0.0, due - time.monotonic()))
                ending = self._ending
            if ending != "drop":
                self._carry()
            if ending:
                break
            due = time.monotonic() + self.interval_s
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _carry(self) -> None:
        """In their order, so that what is there of an MD is one unbroken row."""
        while parcel := next(iter(self._parcels), None):
            try:
                self._carry_one(parcel)
            except FileNotFoundError:
                pass  # a newer one has replaced it
            except NotCarried:
                return
            except Exception as error:
                what = f"checkpoint {parcel.name} is not in the database ({type(error).__name__})"
                print(f"{what}; tried again in {self.interval_s:.0f} s", flush=True)
                return
            with self._changed:
                self._parcels = [one for one in self._parcels if one is not parcel]

    def _carry_one(self, parcel: Parcel) -> None:
        about = parcel.about | {"rank": parcel.rank}
        self.depot.put(parcel.path, parcel.name, about, lambda: self._ending != "drop")
        if parcel.rank is not None:
            # it is there whole: those before it may go. One of the same rank is of another worker that is as far,
            # which must not find that each has removed the other's
            self.depot.remove(one for one in self.depot.listed() if _is_before(one.about, about))


def _is_before(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (
        one["belongs_to"] == other["belongs_to"] and one["rank"] is not None and one["rank"] < other["rank"]
    )


def interval_s() -> float:
    """`LATTICEFARM_CHECKPOINT_INTERVAL_S`, else five minutes; 0 is never."""
    given = os.environ.get(INTERVAL_VARIABLE, "").strip()
    try:
        return max(0.0, float(given)) if given else INTERVAL_S
    except ValueError:
        print(f"{INTERVAL_VARIABLE} is {given!r}, no number of seconds: {INTERVAL_S:.0f} is taken", flush=True)
        return INTERVAL_S
