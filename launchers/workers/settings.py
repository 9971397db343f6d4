"""What a worker takes, where it runs, and when it stops: as an object, and as the arguments of its process."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launchers.queue.resources import UNASKED, Offer


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker takes, where it runs, and when it stops.

    Empty `categories` and `devices` (`gpu`, `cpu`) mean all. `then` is called with the farm when the queue is empty (it may add work; False: not now, ask again): a callable, or
    its import path `module:function`, which alone can be handed to another process. `deadline` is a Unix time after which no job is
    begun and the one in hand is drained. With an `asker` it works for this one alone (`launchers.queue.askers`).
    `offer` is what its slot has.
    """

    run_root: Path
    categories: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    until_empty: bool = False
    deadline: float | None = None
    patience_s: float = 30.0
    then: Callable[[Any], Any] | str | None = None
    asker: str | None = None
    offer: Offer = UNASKED

    def arguments(self) -> list[str]:
        """For `python -m launchers.workers.slot`; what is as by default is left out."""
        assert self.then is None or isinstance(self.then, str), "only an import path can be handed over"
        given = [f"--run-root={self.run_root}", f"--patience={self.patience_s}"]
        given += [f"--category={category}" for category in self.categories]
        given += [f"--device={device}" for device in self.devices]
        given += ["--until-empty"] if self.until_empty else []
        given += [f"--deadline={self.deadline}"] if self.deadline is not None else []
        given += [f"--asker={self.asker}"] if self.asker is not None else []
        given += [f"--cores={self.offer.cores}"] if self.offer.cores is not None else []
        given += [f"--memory={self.offer.memory_GB!r}"] if self.offer.memory_GB is not None else []
        given += [f"--allocation={self.offer.allocation}"] if self.offer.allocation else []
        given += ["--own"] if self.offer.own else []
        return given + ([f"--then={self.then}"] if self.then is not None else [])

    @classmethod
    def of_arguments(cls, arguments: Sequence[str] | None = None) -> WorkerSettings:
        """The reverse; of this process by default."""
        parser = ArgumentParser(prog="python -m launchers.workers.slot", description="One worker, on the database of the environment.")
        parser.add_argument("--run-root", type=Path, required=True)
        parser.add_argument("--category", action="append", default=[])
        parser.add_argument("--device", action="append", default=[])
        parser.add_argument("--until-empty", action="store_true")
        parser.add_argument("--deadline", type=float)
        parser.add_argument("--patience", type=float, default=cls.patience_s)
        parser.add_argument("--then")
        parser.add_argument("--asker")
        parser.add_argument("--cores", type=int)
        parser.add_argument("--memory", type=float)
        parser.add_argument("--allocation", default="")
        parser.add_argument("--own", action="store_true")
        asked = parser.parse_args(arguments)
        categories, devices = tuple(asked.category), tuple(asked.device)
        offer = Offer(asked.cores, asked.memory, asked.allocation, asked.own)
        return cls(asked.run_root, categories, devices, asked.until_empty, asked.deadline, asked.patience, asked.then, asked.asker, offer)
