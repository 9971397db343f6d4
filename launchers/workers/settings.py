"""What a worker takes, where it runs, and when it stops: as an object, and as the arguments of its process."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker takes, where it runs, and when it stops.

    Empty `categories` and `devices` (`gpu`, `cpu`) mean all. `then` is called with the farm when the queue is empty (it may add work; False: not now, ask again): a callable, or
    its import path `module:function`, which alone can be handed to another process. `deadline` is a Unix time after which no job is
    begun and the one in hand is drained. With an `asker` it works for this one alone (`launchers.queue.askers`).
    """

    run_root: Path
    categories: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    until_empty: bool = False
    deadline: float | None = None
    patience_s: float = 30.0
    then: Callable[[Any], Any] | str | None = None
    asker: str | None = None

    def arguments(self) -> list[str]:
        """For `python -m launchers.workers.slot`; what is as by default is left out."""
        assert self.then is None or isinstance(self.then, str), "only an import path can be handed over"
        given = [f"--run-root={self.run_root}", f"--patience={self.patience_s}"]
        given += [f"--category={category}" for category in self.categories]
        given += [f"--device={device}" for device in self.devices]
        given += ["--until-empty"] if self.until_empty else []
        given += [f"--deadline={self.deadline}"] if self.deadline is not None else []
        given += [f"--asker={self.asker}"] if self.asker is not None else []
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
        asked = parser.parse_args(arguments)
        categories, devices = tuple(asked.category), tuple(asked.device)
        return cls(asked.run_root, categories, devices, asked.until_empty, asked.deadline, asked.patience, asked.then, asked.asker)
