"""The slots of one machine: a worker process each, begun again when it dies, drained together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from launchers.machines.slots import Slot
from launchers.workers.deadline import Deadline, deadline_file
from launchers.workers.settings import WorkerSettings

RESTART_S = 5.0


@dataclass(frozen=True)
class NodeSettings:
    """The slots, and what the worker of each is told: its `then` is an import path.

    `asks_deadline` is called now and then for the deadline, where that can change.
    """

    slots: Sequence[Slot]
    worker: WorkerSettings
    asks_deadline: Callable[[], float | None] | None = None


@dataclass
class Node:
    """Starts the workers, begins again those that die, and ends when they have all ended by themselves."""

    settings: NodeSettings
    _slots: dict[Slot, subprocess.Popen[bytes]] = field(default_factory=dict)
    _died: dict[Slot, float] = field(default_factory=dict)
    _pulse: Any = None
    _deadline: Deadline | None = None
    draining: bool = False

    def start(self) -> None:
        self._beat()
        root = self.settings.worker.run_root
        root.mkdir(parents=True, exist_ok=True)
        if self.settings.asks_deadline is not None:
            self._deadline = Deadline(self.settings.worker.deadline, self.settings.asks_deadline, deadline_file(root, os.getpid()))
            self._deadline.start()
        for slot in self.settings.slots:
            self._start(slot)

    def poll(self) -> bool:
        """Look after the workers once; False when none is left to look after."""
        for slot, process in list(self._slots.items()):
            code = process.poll()
            if code is None:
                continue
            del self._slots[slot]
            if code != 0 and not self.draining:
                self._died[slot] = time.monotonic()
        for slot, moment in list(self._died.items()):
            if not self.draining and time.monotonic() - moment >= RESTART_S:
                del self._died[slot]
                self._start(slot)
        lasts = bool(self._slots) or (bool(self._died) and not self.draining)
        if not lasts:
            for one in (self._pulse, self._deadline):
                if one is not None:
                    one.stop()
        return lasts

    def drain(self) -> None:
        """Ask every worker to put its job back and end."""
        self.draining = True
        for process in self._slots.values():
            process.terminate()

    def wait(self, interval_s: float = 0.2) -> None:
        """Look after the workers until they have ended."""
        while self.poll():
            time.sleep(interval_s)

    def run(self) -> None:
        """Start the workers and wait; SIGINT, SIGTERM, and SIGUSR1 (of schedulers, some time before the end) drain them."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, lambda *_: self.drain())
        self.start()
        self.wait()

    @property
    def processes(self) -> dict[int, int]:
        """The process number of each slot that runs."""
        return {slot.number: process.pid for slot, process in list(self._slots.items()) if process.poll() is None}

    def _start(self, slot: Slot) -> None:
        offer = replace(self.settings.worker.offer, cores=slot.cores, memory_GB=slot.memory_GB)
        told = replace(self.settings.worker, devices=slot.devices, offer=offer)
        if self._deadline is not None:
            told = replace(told, deadline=self._deadline.moment)
        with self.log(slot).open("ab") as log:
            self._slots[slot] = subprocess.Popen(
                [sys.executable, "-m", "launchers.workers.slot", *told.arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=slot.environment(os.environ) | {"LATTICEFARM_NODE": str(os.getpid())},
                # a Ctrl-C on the terminal reaches the node alone, which drains its workers
                start_new_session=True,
            )

    def _beat(self) -> None:
        """Have a thread say for all slots that they live, and look for what others left."""
        from launchers.workers.pulse import NodePulse

        self._pulse = NodePulse(lambda: list(self.processes.values()), self.settings.worker.patience_s)
        self._pulse.start()

    def log(self, slot: Slot) -> Path:
        """Of one host: others may share the folder."""
        return self.settings.worker.run_root / f"worker-{socket.gethostname()}-{slot.number}.log"


def run_root() -> Path:
    """Where jobs run and workers log: `runs` in `LATTICEFARM_HOME`."""
    from launchers.database.ladder import home

    return home() / "runs"


def end_with_parent() -> None:
    """Have this process told to drain when the one that started it is killed (Linux)."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
