"""What heartbeats cost the database: `python benchmarks/heartbeats.py [--slots 1000] [--seconds 60]` prints two tables.

First each thing by itself, by one client: its time, and the CPU of the server for it. Then all slots of a farm beat, take
and end jobs, and their nodes look for what is lost, as often as they do, by one process: the share of a core that this
takes of the server. The launches are there, as RUNNING as in a farm; the jobs do nothing.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psutil

SLOTS_OF_A_NODE = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slots", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--seconds", type=float, default=60.0)
    asked = parser.parse_args()
    with fresh_database() as database:
        from launchers.farm import Farm

        server = psutil.Process(server_process())
        sleepers = [subprocess.Popen(["sleep", "3600"]) for _ in range(SLOTS_OF_A_NODE)]
        for slots in asked.slots:
            farm = Farm.open(database)
            farm.launchpad.connection.drop_database(database.name)
            farm.prepare()
            crowd = Crowd(farm, slots, [one.pid for one in sleepers])
            alone(crowd, server)
            together(crowd, server, asked.seconds)
        for one in sleepers:
            one.kill()


def server_process() -> int:
    from launchers.database import ladder

    return ladder.status()["process"]


@contextmanager
def fresh_database() -> Iterator[Any]:
    from launchers.database import ladder

    with tempfile.TemporaryDirectory(prefix="lf-") as place:
        os.environ["LATTICEFARM_HOME"] = place
        os.environ.pop("LATTICEFARM_MONGO_URI", None)
        try:
            yield ladder.start()
        finally:
            ladder.stop()


class Crowd:
    """Slots of many nodes, each with a job in hand, whose processes are `pids`; all are beaten for from this process."""

    def __init__(self, farm: Any, count: int, pids: list[int]) -> None:
        from launchers.queue.processes import ProcessName
        from launchers.workers.heartbeats import SlotBeat
        from launchers.workers.rescue import Reaper

        self.farm, self.nodes = farm, -(-count // SLOTS_OF_A_NODE)
        self.names = [
            ProcessName(f"node{number % self.nodes}", pid, int(psutil.Process(pid).create_time()))
            for number in range(count)
            for pid in [pids[number // self.nodes % len(pids)]]
        ]
        self.slots = [SlotBeat(farm, name) for name in self.names]
        self.reapers = [Reaper(farm) for _ in range(self.nodes)]
        self._run_all()

    def _run_all(self) -> None:
        """A firework and its launch, RUNNING, for each slot."""
        now = datetime.now(UTC)
        history = [{"state": "RUNNING", "created_on": now, "updated_on": now}]
        numbers = range(1, len(self.slots) + 1)
        self.farm.launchpad.fireworks.insert_many(
            {"fw_id": n, "state": "RUNNING", "launches": [n], "archived_launches": [], "updated_on": now, "spec": {}} for n in numbers
        )
        self.farm.launchpad.workflows.insert_many(
            {"nodes": [n], "state": "RUNNING", "metadata": {"key": f"key-{n}"}, "updated_on": now} for n in numbers
        )
        self.farm.launchpad.launches.insert_many(
            {
                "launch_id": n,
                "fw_id": n,
                "state": "RUNNING",
                "fworker": {"name": str(name)},
                "launch_dir": "/nowhere",
                "state_history": history,
            }
            for n, name in zip(numbers, self.names, strict=True)
        )
        for number, slot in enumerate(self.slots, 1):
            slot.begins(number, number)
            self.farm.heartbeats.update_one({"_id": str(slot.name)}, {"$set": {"node": f"node {(number - 1) % self.nodes}"}})

    def beat(self, node: int) -> None:
        """What a node writes."""
        pids = [name.pid for name in self.names[node :: self.nodes]]
        self.farm.heartbeats.update_many({"node": f"node {node}", "pid": {"$in": pids}}, {"$currentDate": {"beat": True}})

    def look(self, node: int) -> None:
        """What a node reads, to find what is lost: a thousand live, none is."""
        os.environ["LATTICEFARM_HOST_NAME"] = f"node{node}"
        assert self.reapers[node].reap_of_slots() == []

    def look_at_all(self, node: int) -> None:
        """What one node of all reads besides."""
        assert self.reapers[node].reap() == []

    def listen(self, node: int) -> None:
        """The part of it that is about heartbeats."""
        os.environ["LATTICEFARM_HOST_NAME"] = f"node{node}"
        self.reapers[node].listener.beats()

    def check(self, number: int) -> None:
        """What a slot reads, to find whether its launch is still its own."""
        self.slots[number].beat()

    def take(self, number: int) -> None:
        """What a slot writes when it begins a job and when it ends it."""
        slot, fw_id = self.slots[number], number + 1
        slot.ends()
        slot.begins(fw_id, fw_id)


def alone(crowd: Crowd, server: psutil.Process) -> None:
    os.environ["LATTICEFARM_NODE"] = str(os.getppid())  # a node beats for them
    slots = len(crowd.slots)
    things: list[tuple[str, Callable[[int], Any], int]] = [
        (f"a node beats for its {SLOTS_OF_A_NODE} slots", crowd.beat, crowd.nodes),
        ("a node hears who is silent", crowd.listen, crowd.nodes),
        ("a node looks for what is lost", crowd.look, crowd.nodes),
        ("one node of all looks at the whole queue", crowd.look_at_all, crowd.nodes),
        ("a slot looks whether its launch is its own", crowd.check, slots),
        ("a slot ends a job and begins another", crowd.take, slots),
    ]
    print(f"\n{slots} slots, {crowd.nodes} nodes\n\n| what | ms | server's CPU, ms |\n|---|---:|---:|")
    for name, action, count in things:
        used, times = cpu(server), []
        for number in random.sample(range(count), min(count, 200)):
            begun = time.perf_counter()
            action(number)
            times.append(1000 * (time.perf_counter() - begun))
        print(f"| {name} | {statistics.median(times):.1f} | {1000 * (cpu(server) - used) / len(times):.1f} |", flush=True)


def together(crowd: Crowd, server: psutil.Process, seconds: float) -> None:
    """All of it, each at its own pace, in the order in which it is due."""
    import heapq

    from launchers.workers.heartbeats import BEAT_S
    from launchers.workers.pulse import LOOK_S

    due: list[tuple[float, int, float, Callable[[int], Any], int]] = []
    for action, count, every in (
        (crowd.beat, crowd.nodes, min(BEAT_S, LOOK_S)),
        (crowd.look, crowd.nodes, LOOK_S),
        (crowd.look_at_all, 1, LOOK_S),
        (crowd.check, len(crowd.slots), BEAT_S),
    ):
        due += [(random.uniform(0, every), len(due) + number, every, action, number) for number in range(count)]
    heapq.heapify(due)
    began, used, mine, late, done = time.monotonic(), cpu(server), cpu(psutil.Process()), 0.0, 0
    while (now := time.monotonic() - began) < seconds:
        moment, order, every, action, number = heapq.heappop(due)
        time.sleep(max(0.0, moment - now))
        action(number)
        done, late = done + 1, max(late, now - moment)
        heapq.heappush(due, (max(moment + every, time.monotonic() - began), order, every, action, number))
    spent = time.monotonic() - began
    print(
        f"\nall at their pace for {spent:.0f} s: {done} calls, {100 * (cpu(server) - used) / spent:.0f} % of a core of the server,"
        f" {100 * (cpu(psutil.Process()) - mine) / spent:.0f} % of all clients together; the latest call {late:.1f} s late",
        flush=True,
    )


def cpu(process: psutil.Process) -> float:
    """Seconds that it has used."""
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    main()
