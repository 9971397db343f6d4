"""The slots of one machine: a worker process each, begun again when it dies, drained together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from launchers.settings import WorkerSettings

RESTART_S = 5.0


@dataclass(frozen=True)
class NodeSettings:
    """How many workers, and what each is told: its `then` is an import path."""

    slots: int
    worker: WorkerSettings


@dataclass
class Node:
    """Starts the workers, begins again those that die, and ends when they have all ended by themselves."""

    settings: NodeSettings
    _slots: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    _died: dict[int, float] = field(default_factory=dict)
    draining: bool = False

    def start(self) -> None:
        self.settings.worker.run_root.mkdir(parents=True, exist_ok=True)
        for slot in range(self.settings.slots):
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
        return bool(self._slots) or (bool(self._died) and not self.draining)

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
        return {slot: process.pid for slot, process in self._slots.items()}

    def _start(self, slot: int) -> None:
        log = (self.settings.worker.run_root / f"worker-{slot}.log").open("ab")
        with log:
            self._slots[slot] = subprocess.Popen(
                [sys.executable, "-m", "launchers.slot", *self.settings.worker.arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(slot),
                # a Ctrl-C on the terminal reaches the node alone, which drains its workers
                start_new_session=True,
            )

    def _environment(self, slot: int) -> dict[str, str]:
        environment = dict(os.environ)
        threads = str(max(1, available_cores() // self.settings.slots))
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            environment.setdefault(name, threads)
        gpus = [one for one in environment.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
        if gpus:
            environment["CUDA_VISIBLE_DEVICES"] = gpus[slot % len(gpus)]
        return environment


def run_root() -> Path:
    """Where jobs run and workers log: `runs` in `LATTICEFARM_HOME`."""
    from launchers.database import home

    return home() / "runs"


def available_cores() -> int:
    """The cores that this process may use: fewer than the machine's inside an allocation."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def default_slots() -> int:
    """A worker for each core of up to four, for each two of more: a small model gains little from a second thread."""
    cores = available_cores()
    return cores if cores <= 4 else cores // 2


def end_with_parent() -> None:
    """Have this process told to drain when the one that started it is killed (Linux)."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
