"""A warm child process that computes with one engine, and ends when we say so or when we end.

Started afresh (spawn): a worker has threads and torch. Signals of a terminal or a queue system are for its parent,
which kills it: a drain must not look like a crash of the engine.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from signal import (
    SIG_BLOCK,
    SIG_IGN,
    SIG_SETMASK,
    SIG_UNBLOCK,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGTERM,
    SIGUSR1,
    Signals,
    pthread_sigmask,
    signal,
)
from typing import Any

import psutil

from flows.failure import MachineTrouble
from flows.labelling.engines.moving import Stretch
from flows.labelling.engines.protocol import EngineSettings

READY, DONE = "ready", "done"
_START_LIMIT_S = 300.0  # imports from a busy network file system
_FOR_THE_PARENT = (SIGINT, SIGTERM, SIGHUP, SIGUSR1)


class Died(Exception):
    """The child ended by itself; the message says how."""


@dataclass(frozen=True)
class Raised:
    """What the engine raised: the last line of its traceback."""

    line: str


class Child:
    """The parent's end: `send` a structure and levels (or a stretch of MD), `receive` one message after another, `kill`.

    Messages are (level, result), then `DONE` or `Raised`.

    Raises:
        MachineTrouble: the process does not start.
    """

    def __init__(self, engine: EngineSettings) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, engine, os.getpid()), daemon=True)
        _start_deaf(self._process)
        theirs.close()
        try:
            started = self.receive(time.monotonic() + _START_LIMIT_S)
        except (Died, TimeoutError) as error:
            self.kill()
            raise MachineTrouble(f"no child process for engine {engine.kind}: {error}") from error
        except BaseException:
            self.kill()
            raise
        assert started == READY

    def lives(self) -> bool:
        """Of a killed process with threads the first ends before the others, and only then it can be waited for."""
        with suppress(psutil.NoSuchProcess):
            return self._process.is_alive() and psutil.Process(self._process.pid).status() != psutil.STATUS_ZOMBIE
        return False

    def send(self, message: Any) -> None:
        """Raises Died."""
        try:
            self._pipe.send(message)
        except OSError as error:
            raise Died(self._how_it_ended()) from error

    def receive(self, deadline: float | None) -> Any:
        """The next message; `deadline` is of `time.monotonic`. Raises Died or TimeoutError."""
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not wait([self._pipe, self._process.sentinel], left):
            raise TimeoutError("it was too slow")
        # a process of its own may still hold the other end of the pipe
        if not self._pipe.poll(0):
            raise Died(self._how_it_ended())
        try:
            return self._pipe.recv()
        except (EOFError, OSError) as error:
            raise Died(self._how_it_ended()) from error

    def kill(self) -> None:
        """At once, with the programs that it started."""
        with suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _how_it_ended(self) -> str:
        self._process.join(timeout=10)
        code = self._process.exitcode
        if code is not None and code < 0:
            hint = ", as when the machine is out of memory" if -code == SIGKILL else ""
            return f"it was ended by {Signals(-code).name}{hint}"
        return f"it ended with exit code {code}"


def _start_deaf(process: Any) -> None:
    """Start it with signals blocked: one that comes before `serve` ignores them would print a traceback."""
    # starting the tracker unblocks signals: not in between
    resource_tracker.ensure_running()
    before = pthread_sigmask(SIG_BLOCK, _FOR_THE_PARENT)
    try:
        process.start()
    finally:
        pthread_sigmask(SIG_SETMASK, before)


def serve(pipe: Connection, engine: EngineSettings, parent: int) -> None:
    """The child's end: compute what is sent until the parent closes the pipe."""
    for number in _FOR_THE_PARENT:
        signal(number, SIG_IGN)
    pthread_sigmask(SIG_UNBLOCK, _FOR_THE_PARENT)
    _end_with(parent)
    pipe.send(READY)
    with suppress(EOFError):
        while True:
            atoms, asked = pipe.recv()
            pipe.send(_served(pipe, engine, atoms, asked))


def _served(pipe: Connection, engine: EngineSettings, atoms: Any, asked: dict[str, bool] | Stretch) -> Any:
    try:
        if isinstance(asked, Stretch):
            pipe.send((asked.level, engine.move(atoms, asked)))
            return DONE
        for level, result in engine.compute(atoms, asked):
            pipe.send((level, result))
    except Exception as error:
        return Raised(traceback.format_exception_only(error)[-1].strip())
    return DONE


def _end_with(parent: int) -> None:
    """Die when the parent does, by whatever signal (Linux; elsewhere when the pipe closes)."""
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
