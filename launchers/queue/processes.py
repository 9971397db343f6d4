"""Which process a worker is, so that another can tell whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psutil

_AMONG = "/"
HOST_NAME_VARIABLE = "LATTICEFARM_HOST_NAME"


def host_name() -> str:
    """The name of this machine, or the one that is given where machines or containers cannot be told by theirs."""
    return os.environ.get(HOST_NAME_VARIABLE) or socket.gethostname()


class Processes(NamedTuple):
    """Among which processes a number means one: those of one boot of one machine, seen from one PID namespace.

    Two containers of one machine, or two machines of one name, may have the same host name and number. A container that is
    started again has the same numbers, and its namespace often the same one: when its first process began tells them apart.
    """

    boot: str
    namespace: str

    @classmethod
    @cache
    def mine(cls) -> Processes:
        return cls(_text("/proc/sys/kernel/random/boot_id"), f"{_link('/proc/self/ns/pid')}@{_began(1)}")


def _began(pid: int) -> str:
    """When a process began, in clock ticks after the boot of the machine; empty where that is not told."""
    return (_text(f"/proc/{pid}/stat").rpartition(")")[2].split() or [""] * 20)[19]


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


@dataclass(frozen=True)
class ProcessName:
    """A process of one host, told apart from a later one with the same number by the time it started."""

    host: str
    pid: int
    started: int

    @classmethod
    def mine(cls) -> ProcessName:
        return cls(host_name(), os.getpid(), int(psutil.Process().create_time()))

    @classmethod
    def parse(cls, text: str) -> ProcessName | None:
        """The process that a FireWorker's name tells of, or None if it tells of none."""
        parts = text.rsplit(":", 2)
        if len(parts) != 3 or not (parts[1].isdigit() and parts[2].isdigit()):
            return None
        return cls(parts[0], int(parts[1]), int(parts[2]))

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}:{self.started}"

    def is_here(self) -> bool:
        return self.host == host_name()

    def lives(self) -> bool:
        """Whether this process runs now, on this host."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) < 2 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def holder() -> str:
    """What this process writes into a lock that it takes: a word that no other lock has, its name, and among which processes its number means it."""
    return f"{uuid4().hex} {ProcessName.mine()} {_AMONG.join(Processes.mine())}"


def is_left(lock: Any, gone: str | None = None) -> bool:
    """Whether the process that took this lock is known to be dead: on this machine, or on a host that is `gone`."""
    _, name, among = [*lock.split(" "), "", ""][:3] if isinstance(lock, str) else ("", "", "")
    process = ProcessName.parse(name)
    if process is None:
        return False
    if not process.is_here():
        return process.host == gone
    return among in ("", _AMONG.join(Processes.mine())) and not process.lives()
