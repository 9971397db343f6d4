"""Small real jobs for tests: importable, because a worker has to load them."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from typing import Literal

from flows.delivery import delivers, read_records
from flows.failure import CalculationFailed
from flows.records import Record
from flows.settings import Settings


class ToyTask(Settings):
    """Add up the values of `needs` and `value`, after `seconds`; `fail` says to fail instead, `harm` how to do worse."""

    key: str
    value: int = 1
    needs: tuple[str, ...] = ()
    seconds: float = 0.0
    fail: bool = False
    harm: Literal["", "process", "memory", "hunger", "document", "deafness"] = ""


class Toy(Record):
    """The sum, and nothing that differs from run to run."""

    key: str
    value: int
    ballast: str = ""


@delivers(Toy)
def toy(task: ToyTask) -> Toy:
    """A job that reads records, takes its time and delivers."""
    time.sleep(task.seconds)
    if task.fail:
        raise CalculationFailed.of("toy", "asked", "this toy was asked to fail", "ask it not to")
    if task.harm == "process":
        os.kill(os.getpid(), signal.SIGKILL)
    if task.harm == "deafness":
        hashlib.pbkdf2_hmac("sha512", b"", b"", 100_000_000)  # compiled code, for a minute or more
    if task.harm == "memory":
        _take_too_much()
    if task.harm == "hunger":
        bytearray(b"x") * 1_000_000_000  # as pages that are written to
    needs = read_records(Toy, task.needs)
    ballast = "x" * 17_000_000 if task.harm == "document" else ""
    return Toy(key=task.key, value=task.value + sum(one.value for one in needs.values()), ballast=ballast)


def _take_too_much() -> None:
    """Ask for more memory than a limit allows that is set here, a little above what this process has."""
    import resource

    import psutil

    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + 100_000_000, before[1]))
    try:
        bytearray(1_000_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
