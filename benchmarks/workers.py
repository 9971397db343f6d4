"""What a job costs the worker and the database, by how many are queued and how many workers there are.

    python benchmarks/workers.py [--sizes 100 1000 10000] [--workers 1 2 4 8] [--rounds 3]

Toy jobs that deliver a record and take no time, run by warm workers (`python -m launchers.workers.slot`), the processes that
`latticefarm work` starts. Beside the jobs that are queued, as many lie there that these workers have run before. All are
put there while the workers are stopped; then so many are run as `--jobs` says.
Costs are CPU milliseconds (user and system) of all workers and of the embedded database for each job: wall time on a
busy machine is not theirs alone. The sizes take turns; a value is the median of the rounds. Then what idle workers
cost the database while a job of somebody else runs for long, in percent of a core.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

# the benchmark need not have been installed
sys.path.insert(0, str(Path(__file__).parents[1]))

COLLECTIONS = ("fireworks", "workflows", "launches")
GOAL = 1.3


@dataclass(frozen=True)
class Cost:
    """Of one job: CPU milliseconds of the workers and of the database, and jobs a minute of wall time."""

    workers_ms: float
    database_ms: float
    jobs_a_minute: float

    @classmethod
    def median(cls, costs: list[Cost]) -> Cost:
        return cls(*(statistics.median(column) for column in zip(*(vars(one).values() for one in costs), strict=True)))

    @property
    def total_ms(self) -> float:
        return self.workers_ms + self.database_ms


class Queue:
    """The farm in a database of its own, and the documents of its jobs: made once, put back for each measurement."""

    def __init__(self, jobs: int, workflow: Callable[[int], Any]) -> None:
        from launchers.database import ladder
        from launchers.farm import Farm

        self.farm = Farm.open(ladder.start())
        self.server = psutil.Process(ladder.status()["process"])
        self.made = self._made(jobs, workflow)
        self.done: dict[str, Any] = {}
        self.empty()

    def _made(self, jobs: int, workflow: Callable[[int], Any]) -> dict[str, list[dict[str, Any]]]:
        for start in range(0, jobs, 1000):
            self.farm.launchpad.bulk_add_wfs([workflow(number) for number in range(start, min(jobs, start + 1000))])
        return {name: list(self.farm.launchpad.db[name].find().sort("_id", 1)) for name in ("fireworks", "workflows")}

    def empty(self) -> None:
        for name in COLLECTIONS:
            self.farm.launchpad.db[name].delete_many({})
        self.farm.outputs.delete_many({})

    def fill(self, jobs: int, state: str = "READY") -> None:
        """The first so many jobs, as they were before they ran, or with another `state`."""
        for name in ("workflows", "fireworks"):
            self._insert(name, [one | {"state": state} for one in self.made[name][:jobs]])

    def fill_with_done(self, jobs: int, by: list[str]) -> None:
        """So many others that these workers have run."""
        if not self.done:
            return
        firework, workflow, launch = (self.done[name] for name in COLLECTIONS)
        numbers = range(-jobs, 0)  # below those of all that will run
        node = str(firework["fw_id"])
        assert node in workflow["fw_states"]
        self._insert("fireworks", [_copy(firework) | {"fw_id": n, "launches": [n]} for n in numbers])
        self._insert("workflows", [
            _copy(workflow) | {"nodes": [n], "links": {str(n): []}, "fw_states": {str(n): "COMPLETED"}, "metadata": {"key": f"done {n}"}}
            for n in numbers
        ])
        self._insert("launches", [
            _copy(launch) | {"launch_id": n, "fw_id": n, "fworker": launch["fworker"] | {"name": by[n % len(by)]}} for n in numbers
        ])

    def _insert(self, name: str, documents: list[dict[str, Any]]) -> None:
        for start in range(0, len(documents), 1000):
            self.farm.launchpad.db[name].insert_many(documents[start : start + 1000])

    def stop(self) -> None:
        """Nothing more is begun: what is ready goes."""
        self.farm.launchpad.fireworks.delete_many({"state": "READY"})
        wait(lambda: not self.farm.launchpad.fireworks.find_one({"state": {"$in": ["RUNNING", "RESERVED"]}}))

    def keep_one(self) -> list[str]:
        """One of the jobs that have run becomes the pattern of those that are done; return the workers' names."""
        launch = self.farm.launchpad.launches.find_one({"state": "COMPLETED"})
        assert launch is not None
        named = {"fw_id": launch["fw_id"]}
        found = self.farm.launchpad.fireworks.find_one(named), self.farm.launchpad.workflows.find_one({"nodes": launch["fw_id"]})
        self.done = dict(zip(COLLECTIONS, (*found, launch), strict=True))
        return self.farm.launchpad.launches.distinct("fworker.name")

    def begun(self) -> int:
        """How many jobs were ever begun: one small document, however many there are."""
        return self.farm.launchpad.fw_id_assigner.find_one({})["next_launch_id"]


def toy_workflow(number: int) -> Any:
    """One toy, in the envelope in which a campaign's work travels."""
    from flows.keys import digest, job_uuid
    from flows.toys import ToyTask, toy
    from launchers.envelopes import Envelope
    from launchers.queue.walltime import Expectation

    key = digest("toy", 1, value=number)

    def seal() -> Any:
        job = toy(ToyTask(key=key, value=number))
        job.set_uuid(job_uuid(key))
        return job

    about = {"stage": "toy", "system": "none", "model": "none", "seed": number, "size": "full"}
    expects = Expectation("toy", 1.0)
    return Envelope(key, job_uuid(key), f"toy {number}", "train", about, seal, expects=expects).workflow()


def _copy(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "_id"}


@contextmanager
def workers(number: int, home: Path) -> Iterator[list[psutil.Process]]:
    """So many worker processes, ended in the end."""
    command = [sys.executable, "-m", "launchers.workers.slot", f"--run-root={home / 'runs'}", "--category=train"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with (home / "workers.log").open("ab") as log:
        started = [psutil.Popen(command, stdout=log, stderr=log, env=environment) for _ in range(number)]
    try:
        yield started
    finally:
        for process in started:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in started:
            try:
                process.wait(20)
            except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
                process.kill()


def warm(queue: Queue, running: list[psutil.Process]) -> list[str]:
    """Until each has run a job: then it has imported what a job needs. Returns their names."""
    names: set[str] = set()
    while len(names) < len(running):
        queue.empty()
        queue.fill(3 * len(running))
        wait(lambda: not queue.farm.launchpad.fireworks.find_one({"state": {"$in": ["READY", "RUNNING", "RESERVED"]}}))
        names |= set(queue.keep_one())
    return sorted(names)


def cost(queue: Queue, running: list[psutil.Process], names: list[str], size: int, jobs: int) -> Cost:
    """Of `jobs` jobs where `size` are queued."""
    refill(queue, running, names, size)
    first, began, before = queue.begun(), time.perf_counter(), [cpu_s(running), cpu_s([queue.server])]
    for process in running:
        process.resume()
    wait(lambda: queue.begun() - first >= jobs, 0.1)
    done, wall = queue.begun() - first, time.perf_counter() - began
    after = [cpu_s(running), cpu_s([queue.server])]
    queue.stop()
    return Cost(*(1000 * (end - start) / done for start, end in zip(before, after, strict=True)), 60 * done / wall)


def refill(queue: Queue, running: list[psutil.Process], names: list[str], size: int, state: str = "READY") -> None:
    """While the workers are stopped."""
    for process in running:
        process.suspend()
    queue.empty()
    queue.fill_with_done(size, names)
    queue.fill(size, state)


def idle_percent(queue: Queue, running: list[psutil.Process], seconds: float) -> tuple[float, float]:
    """Of a core: what the database and the workers spend while one job, which somebody else runs, is all that goes on.

    The others are done or paused.
    """
    one = queue.farm.launchpad.fireworks.find_one({"state": "PAUSED"}, {"fw_id": 1})
    assert one is not None
    queue.farm.launchpad.fireworks.update_one({"fw_id": one["fw_id"]}, {"$set": {"state": "RUNNING", "launches": [10**9]}})
    queue.farm.launchpad.launches.insert_one(
        {"launch_id": 10**9, "fw_id": one["fw_id"], "state": "RUNNING", "host": "elsewhere", "fworker": {"name": "somebody"}}
    )
    for process in running:
        process.resume()
    time.sleep(3)  # until all have found that there is nothing to do
    before = cpu_s([queue.server]), cpu_s(running)
    time.sleep(seconds)
    after = cpu_s([queue.server]), cpu_s(running)
    return 100 * (after[0] - before[0]) / seconds, 100 * (after[1] - before[1]) / seconds


def cpu_s(processes: list[psutil.Process]) -> float:
    """Seconds of processor time, user and system."""
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


def wait(until: Any, interval_s: float = 0.2, limit_s: float = 600.0) -> None:
    deadline = time.monotonic() + limit_s
    while not until():
        assert time.monotonic() < deadline, "the workers do not get on: see workers.log"
        time.sleep(interval_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10000], help="jobs in the queue")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--jobs", type=int, default=90, help="of these are run in one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=float, default=20.0, help="seconds of watching idle workers")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="lf-") as place:
        home = Path(place)
        os.environ["LATTICEFARM_HOME"] = place
        os.environ.pop("LATTICEFARM_MONGO_URI", None)
        from launchers.database import ladder

        queue = Queue(max(asked.sizes), toy_workflow)
        try:
            table(queue, home, asked)
        finally:
            ladder.stop()


def table(queue: Queue, home: Path, asked: argparse.Namespace) -> None:
    smallest, largest = min(asked.sizes), max(asked.sizes)
    print(f"load at the start: {os.getloadavg()[0]:.1f}\n")
    print("| workers | jobs queued | workers, ms a job | database, ms a job | jobs a minute | cost, of the smallest queue's |")
    print("|---:|---:|---:|---:|---:|---:|", flush=True)
    idle, steepest = [], 0.0
    for number in asked.workers:
        with workers(number, home) as running:
            names = warm(queue, running)
            measured: dict[int, list[Cost]] = {size: [] for size in asked.sizes}
            for _ in range(asked.rounds):
                for size in asked.sizes:
                    measured[size].append(cost(queue, running, names, size, min(asked.jobs, size)))
            refill(queue, running, names, largest, "PAUSED")
            idle.append((number, *idle_percent(queue, running, asked.idle)))
        medians = {size: Cost.median(costs) for size, costs in measured.items()}
        for size, one in medians.items():
            of_smallest = one.total_ms / medians[smallest].total_ms
            steepest = max(steepest, of_smallest)
            print(
                f"| {number} | {size:,} | {one.workers_ms:.1f} | {one.database_ms:.1f} | {one.jobs_a_minute:.0f} | {of_smallest:.2f} |",
                flush=True,
            )
    print(f"\nload at the end: {os.getloadavg()[0]:.1f}; at most {steepest:.2f} times the smallest queue's cost (goal: {GOAL})")
    print(f"\n| idle workers, {largest:,} jobs in the database | database, % of a core | all workers, % of a core |\n|---:|---:|---:|")
    for number, server, clients in idle:
        print(f"| {number} | {server:.1f} | {clients:.1f} |")


if __name__ == "__main__":
    main()
