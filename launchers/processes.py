"""Which process a worker is, so that another can tell whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class ProcessName:
    """A process of one host, told apart from a later one with the same number by the time it started."""

    host: str
    pid: int
    started: int

    @classmethod
    def mine(cls) -> ProcessName:
        return cls(socket.gethostname(), os.getpid(), int(psutil.Process().create_time()))

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
        return self.host == socket.gethostname()

    def lives(self) -> bool:
        """Whether this process runs now, on this host."""
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) < 2 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
