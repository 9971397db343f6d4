"""How a launch ended: a failure of its calculation, or which trouble, and whether that counts as an attempt of its job.

An ending that the reaper has seen is kept as `ended` in the launch's own document, beside what FireWorks keeps
there. A job's attempts are counted from these: nothing else has to be kept, two reapers count one attempt once, a
launch of older code has no `ended` and does not count, and work that is added anew has no launches.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from launchers.queue.patience import DATABASE_AWAY
from launchers.queue.processes import ProcessName

RESTS_UNTIL = "_rests_until"  # in the spec of a firework, a Unix time: our workers leave it alone before
ATTEMPTS = 3  # that end by trouble of the job's own; then it has failed

OUT_OF_MEMORY, CALCULATION = "out-of-memory", "calculation"

_NO_SPACE = tuple(f"OSError: [Errno {number}]" for number in (errno.ENOSPC, errno.EDQUOT))
_NO_MEMORY = (f"OSError: [Errno {errno.ENOMEM}]", "RuntimeError: [enforce fail at alloc_cpu")
_MEMORY_ERRORS = {"MemoryError", "_ArrayMemoryError", "OutOfMemoryError"}
_LINE = 500  # characters: pymongo puts the whole document into the message of a bulk write
_TOO_LARGE = ("'code': 10334", "DocumentTooLarge", "BSONObj size", "BSONObjectTooLarge", "object to insert too large", "after update is larger")


@dataclass(frozen=True)
class Ending:
    """Trouble that ended a launch, in words; `own`: it counts as an attempt of the job's own."""

    kind: str
    words: str
    own: bool = True


DRAINED = Ending("drained", "its worker was asked to stop", own=False)
OUT_OF_TIME = Ending("out-of-time", "its allocation ended before it did", own=False)
AWAY = Ending("database-away", "the database was away", own=False)
HOST_GONE = Ending("host-gone", "somebody said that its host is gone", own=False)
KILLED = Ending("killed", "its process ended without a word, as when it is killed")
OOM_KILLED = Ending(OUT_OF_MEMORY, "its process was killed for want of memory")
SILENT = Ending("silent", "its worker was silent for two minutes", own=False)
GONE = Ending("allocation-gone", "its allocation ended", own=False)
LEFT = Ending("left", "its worker went on to other work", own=False)
DELIVERED = Ending("delivered", "its record was kept on disk while the database was away, and delivered later", own=False)
NO_WORD = Ending("no-word", "it ended without a word")


_VANISHED = {SILENT.kind, GONE.kind}


def judged(ending: Ending, before: Iterable[dict[str, Any]]) -> Ending:
    """`ending`, as it counts after these launches of the same job.

    That a host vanishes is not the doing of the job that it ran. Where it happens to the same job again, it may be: a
    job can bring its hosts down as it can kill its workers.
    """
    ended = {(one.get("ended") or {}).get("kind") for one in before}
    again = ending.kind in _VANISHED and ended & (_VANISHED | {KILLED.kind})
    return replace(ending, own=True) if again else ending


def ending_of(launch: dict[str, Any]) -> Ending | None:
    """The trouble that ended a FIZZLED launch; None where it was a failure of the calculation."""
    exception = exception_of(launch)
    trouble = (exception.get("_details") or {}).get("machine_trouble")
    line = last_line(exception)
    if trouble == LEFT.kind:
        return LEFT
    if trouble == DRAINED.kind or line.startswith("launchers.worker.Drained"):
        return DRAINED
    if trouble == OUT_OF_TIME.kind:
        return OUT_OF_TIME
    if trouble:
        return Ending("machine", trouble)
    # no traceback: somebody marked it by hand, or a rocket died while it wrote
    return of_error(line) if line else NO_WORD


def of_error(line: str) -> Ending | None:
    """The trouble of which the last line of a traceback tells; None where that is no trouble of the machine."""
    name = line.partition(":")[0]
    if too_large(line):
        return None
    if name.startswith("pymongo.errors."):
        return AWAY if _is_away(name.rsplit(".", 1)[-1]) else Ending("database", line)
    if line.startswith(_NO_SPACE):
        return Ending("no-space", line)
    if line.startswith(_NO_MEMORY) or name.rsplit(".", 1)[-1] in _MEMORY_ERRORS:
        return Ending(OUT_OF_MEMORY, line)
    return None


def is_away(error: Exception) -> bool:
    """Whether the database did not answer: FireWorks wraps what it met while it refreshed a workflow."""
    wrapped = isinstance(error, RuntimeError) and of_error((str(error).strip().splitlines() or [""])[-1]) == AWAY
    return wrapped or isinstance(error, DATABASE_AWAY)


def _is_away(name: str) -> bool:
    from pymongo import errors

    return issubclass(getattr(errors, name, Exception), DATABASE_AWAY)


def too_large(line: str) -> bool:
    """Whether the last line of a traceback says that a document is larger than MongoDB takes."""
    return line.startswith(("pymongo.errors.", "bson.errors.")) and any(words in line for words in _TOO_LARGE)


def is_machine_trouble(launch: dict[str, Any]) -> bool:
    """Whether the machine, not the calculation, ended this FIZZLED launch."""
    return ending_of(launch) is not None


def exception_of(launch: dict[str, Any]) -> dict[str, Any]:
    """What the rocket stored about the exception that ended `launch`: `_stacktrace` and `_details`."""
    action = launch.get("action") or {}
    return (action.get("stored_data") or {}).get("_exception") or {}


def shortened(exception: dict[str, Any]) -> dict[str, Any]:
    """The same exception, no line of its traceback longer than a person reads."""
    lines = (exception.get("_stacktrace") or "").splitlines()
    return {**exception, "_stacktrace": "\n".join(f"{one[:_LINE]}..." if len(one) > _LINE else one for one in lines)}


def last_line(exception: dict[str, Any]) -> str:
    """The last line of its traceback, without the document that pymongo puts there; empty where it has none."""
    return ((exception.get("_stacktrace") or "").strip().splitlines() or [""])[-1].partition(", 'op': {")[0][:_LINE]


@dataclass(frozen=True)
class Attempt:
    """One launch of a job, for a person: where it ran, from when to when, and how it ended."""

    host: str
    process: int | None
    began: str
    ended: str
    how: str
    own: bool

    @classmethod
    def of(cls, launch: dict[str, Any], ending: Ending, seen: datetime) -> Attempt:
        """That of `launch`, whose end was seen at `seen`."""
        process = ProcessName.parse((launch.get("fworker") or {}).get("name") or "")
        host = process.host if process else launch.get("host") or "?"
        return cls(host, process.pid if process else None, say(began(launch)), say(seen), ending.words, ending.own)

    def text(self) -> str:
        """`on node7, process 4242, from ... to ...: how it ended`."""
        process = "" if self.process is None else f", process {self.process}"
        return f"on {self.host}{process}, from {self.began} to {self.ended}: {self.how}"


def began(launch: dict[str, Any]) -> datetime | None:
    """When it began to run."""
    running = (one.get("created_on") for one in launch.get("state_history") or () if one.get("state") == "RUNNING")
    return as_time(next(running, None))


def heard(launch: dict[str, Any]) -> datetime | None:
    """When its process gave the last sign of life."""
    history = launch.get("state_history") or [{}]
    return as_time(history[-1].get("updated_on") or history[-1].get("created_on"))


def as_time(value: Any) -> datetime | None:
    """FireWorks stores times as text or as MongoDB does; both are UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=value.tzinfo or UTC) if isinstance(value, datetime) else None


def say(moment: datetime | None) -> str:
    """`2026-11-26 14:04:06 UTC`: a form that FireWorks leaves a text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "?"


def attempts(launches: Iterable[dict[str, Any]]) -> list[Attempt]:
    """Those of `launches` whose ending was kept, in their order."""
    return [
        Attempt.of(one, Ending(kept["kind"], kept["words"], kept["own"]), as_time(kept["at"]) or datetime.now(UTC))
        for one in launches
        if (kept := one.get("ended"))
    ]


def kept(ending: Ending) -> dict[str, Any]:
    """As it is kept in the document of its launch."""
    return {**asdict(ending), "at": datetime.now(UTC)}


def failure(stage: str, tries: list[Attempt], last: Ending) -> dict[str, Any]:
    """The failure, as `Failure` has it, of a job that was given up after these attempts, the last with that ending."""
    own = [one for one in tries if one.own]
    return {
        "stage": stage,
        "kind": "crashed-worker" if last.kind in (KILLED.kind, *_VANISHED) else "gave-up",
        "message": f"given up after {len(own)} attempts: " + "; ".join(one.text() for one in own),
        "advice": "see the logs of its runs and the machine (memory, disk); `latticefarm retry` begins anew",
    }
