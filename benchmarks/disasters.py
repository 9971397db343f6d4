"""What befalls hosts, from a seed: kills and cuts, each made good after a while."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from hosts import Host, worker_name
from kills import command, database_process, environment
from ledger import Ledger

KINDS = {"worker": 4, "agent": 2, "host": 2, "database": 2, "network": 2}  # how often each, to the others


# where, the names of the workers that it ends, for how many seconds, what makes it good
Disaster = tuple[str, list[str], float, Callable[[], None] | None]


@dataclass
class Disasters:
    """Makes them one after another, some `pace_s` apart; several may last at once."""

    hosts: list[Host]
    home: Path  # of the database
    chance: random.Random
    ledger: Ledger
    pace_s: float
    longest_s: float
    further: dict[str, Callable[[float], Disaster | None]] = field(default_factory=dict)
    pending: list[tuple[float, str, Callable[[], None]]] = field(default_factory=list)
    made: int = 0
    _next: float = 0.0

    def look(self) -> None:
        """Make good what is due, and make one if it is time."""
        self.make_good()
        if not self._next:
            self._next = time.monotonic() + 3 * self.pace_s  # let it begin
        if time.monotonic() < self._next:
            return
        kinds = {**KINDS, **dict.fromkeys(self.further, 2)}
        kind = self.chance.choices(list(kinds), list(kinds.values()))[0]
        if self._make(kind):
            self.made += 1
            self._next = time.monotonic() + self.chance.uniform(0.2, 1.8) * self.pace_s

    def make_good(self) -> None:
        for one in sorted(self.pending, key=lambda one: one[0]):
            if one[0] <= time.monotonic():
                self.pending.remove(one)
                one[2]()
                print(f"    {one[1]} is back", flush=True)

    def _make(self, kind: str) -> bool:
        host = self.chance.choice(self.hosts)
        draw = self.chance.random()  # drawn whatever comes: one seed, one course
        what = getattr(self, f"_{kind}", None)
        try:
            outcome = what(host, draw) if what else self.further[kind](draw)
        except (psutil.NoSuchProcess, ProcessLookupError, subprocess.CalledProcessError):
            return False
        if outcome is None:
            return False
        where, names, lasts_s, good = outcome
        self.ledger.killed(kind, names)
        if good is not None:
            self.pending.append((time.monotonic() + lasts_s, where, good))
        print(f"{self.made + 1}: {kind} {where}{f' for {lasts_s:.0f} s' if good else ''}", flush=True)
        return True

    def _hit(self, what: str) -> bool:
        return any(where == what for _, where, _ in self.pending)

    def _worker(self, host: Host, draw: float) -> Disaster | None:
        workers = host.workers()
        if not workers:
            return None
        one = workers[int(draw * len(workers))]
        name = worker_name(host, one)
        one.kill()
        return f"{name}", [name], 0.0, None

    def _agent(self, host: Host, draw: float) -> Disaster | None:  # noqa: ARG002
        agents, names = host.agents(), self._names(host)
        if not agents:
            return None
        agents[0].kill()
        return host.name, names, 0.0, None

    def _host(self, host: Host, draw: float) -> Disaster | None:
        if self._hit(host.name):
            return None
        names = self._names(host)
        host.die()
        return host.name, names, 5 + draw * min(60.0, self.longest_s), host.boot

    def _database(self, host: Host, draw: float) -> Disaster | None:  # noqa: ARG002
        if self._hit("database"):
            return None
        os.kill(database_process(self.home), signal.SIGKILL)
        return "database", [], 1 + 40 * draw**2, self._start_database

    def _network(self, host: Host, draw: float) -> Disaster | None:
        """Half of them noticed at once; most are short, some longer than a silent host is waited for."""
        where = f"network of {host.name}"
        if self._hit(where):
            return None
        host.cut() if draw < 0.5 else host.hang()
        half = draw % 0.5 * 2
        lasts_s = 3 + 40 * half if half < 0.75 else self.longest_s * (0.2 + 0.8 * (half - 0.75) / 0.25)
        return where, [], lasts_s, host.connect

    def _start_database(self) -> None:
        subprocess.run(command("db", "start"), env=environment(self.home), check=False, stdout=subprocess.DEVNULL)

    def _names(self, host: Host) -> list[str]:
        names = []
        for one in host.workers():
            with suppress(OSError, psutil.NoSuchProcess):
                names.append(worker_name(host, one))
        return names
