"""Small real jobs for tests: importable, because a worker has to load them."""

from __future__ import annotations

import time

from flows.delivery import delivers, read_records
from flows.failure import CalculationFailed
from flows.records import Record
from flows.settings import Settings


class ToyTask(Settings):
    """Add up the values of `needs` and `value`, after `seconds`; `fail` says to fail instead."""

    key: str
    value: int = 1
    needs: tuple[str, ...] = ()
    seconds: float = 0.0
    fail: bool = False


class Toy(Record):
    """The sum, and nothing that differs from run to run."""

    key: str
    value: int


@delivers(Toy)
def toy(task: ToyTask) -> Toy:
    """A job that reads records, takes its time and delivers."""
    time.sleep(task.seconds)
    if task.fail:
        raise CalculationFailed.of("toy", "asked", "this toy was asked to fail", "ask it not to")
    needs = read_records(Toy, task.needs)
    return Toy(key=task.key, value=task.value + sum(one.value for one in needs.values()))
