"""Jobs an hour that need torch and MACE: by our worker, and by FireWorks' own launchers.

    python benchmarks/throughput.py [--jobs 100] [--singleshots 5] [--processes 2] [--rounds 1]

Each job reads a small MACE model from a file, gives the energy and forces of 8 atoms and delivers a record. The same jobs
in the same embedded database are run by `python -m launchers.workers.slot` (what `latticefarm work` starts) and by `rlaunch`, each
with one process; then by `--processes` slots and by `rlaunch multi`. Wall time is from the start of the command to its
end, imports of torch and MACE with it. `rlaunch singleshot` begins a process for each job: of it a few are run, and an
hour is reckoned from these. CPU is user and system time of the processes and of the database for each job.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from workers import Queue, cpu_s

HERE = Path(__file__).parent

OURS, SINGLE, RAPID = "our worker", "rlaunch singleshot", "rlaunch rapidfire"


@dataclass(frozen=True)
class Run:
    """Jobs that one way has run, in seconds of wall and of processor time."""

    jobs: int
    wall_s: float
    cpu_s: float

    @property
    def an_hour(self) -> float:
        return 3600 * self.jobs / self.wall_s


def workflow(model: Path, number: int) -> Any:
    """One job, in the envelope in which a campaign's work travels."""
    from mace_job import mace_job

    from flows.keys import digest, job_uuid
    from flows.toys import ToyTask
    from launchers.envelopes import Envelope

    key = digest("mace job", 1, value=number)

    def seal() -> Any:
        job = mace_job(ToyTask(key=key, value=number), str(model))
        job.set_uuid(job_uuid(key))
        return job

    about = {"stage": "toy", "system": "diamond", "model": "none", "seed": number, "size": "full"}
    return Envelope(key, job_uuid(key), f"mace {number}", "train", about, seal).workflow()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--singleshots", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1, help="turns of all ways; the median of each is printed")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="lf-") as place:
        os.environ["LATTICEFARM_HOME"] = place
        os.environ.pop("LATTICEFARM_MONGO_URI", None)
        from mace_job import write_model

        from launchers.database import ladder

        write_model(Path(place) / "mace.model")
        queue = Queue(asked.jobs, partial(workflow, Path(place) / "mace.model"))
        try:
            measure(queue, Path(place), asked)
        finally:
            ladder.stop()


def measure(queue: Queue, home: Path, asked: argparse.Namespace) -> None:
    from launchers.database import ladder

    names = ladder.running().write_environment(home / "fireworks")
    os.environ |= names | {"PYTHONPATH": f"{HERE.parent}:{HERE}", "TQDM_DISABLE": "1"}
    several = f"{asked.processes} slots of ours", f"rlaunch multi {asked.processes}"
    ways: dict[str, Callable[[], int]] = {
        OURS: lambda: together([slot(home)]),
        RAPID: lambda: together([rlaunch("rapidfire")]),
        SINGLE: lambda: sum(together([rlaunch("singleshot")]) for _ in range(asked.singleshots)),
        several[0]: lambda: together([slot(home)] * asked.processes),
        several[1]: lambda: together([rlaunch("multi", str(asked.processes))]),
    }
    print(f"load at the start: {os.getloadavg()[0]:.1f}", flush=True)
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(asked.rounds):
        for name, way in ways.items():
            runs[name].append(timed(queue, home, asked.jobs, way))
            print(f"{name}: {runs[name][-1]}", file=sys.stderr, flush=True)
    print(f"load at the end: {os.getloadavg()[0]:.1f}\n")
    print(table(runs))


def slot(home: Path) -> list[str]:
    return [sys.executable, "-m", "launchers.workers.slot", f"--run-root={home / 'runs'}", "--until-empty"]


def rlaunch(*words: str) -> list[str]:
    program = shutil.which("rlaunch", path=str(Path(sys.executable).parent)) or shutil.which("rlaunch")
    assert program is not None, "rlaunch is not installed: it comes with FireWorks"
    return [program, "--silencer", *words]


def together(commands: list[list[str]]) -> int:
    """Run them at once; the number of those that failed."""
    with Path("launchers.log").open("ab") as log:
        started = [subprocess.Popen(command, stdout=log, stderr=log) for command in commands]
        return sum(process.wait() != 0 for process in started)


def timed(queue: Queue, home: Path, jobs: int, way: Callable[[], int]) -> Run:
    """The jobs that `way` completes of `jobs` that are ready."""
    queue.empty()
    queue.fill(jobs)
    (home / "launches").mkdir(exist_ok=True)
    os.chdir(home / "launches")
    before, began = spent_s(queue), time.perf_counter()
    failed = way()
    wall, cpu = time.perf_counter() - began, spent_s(queue) - before
    assert not failed, f"a launcher failed: see {home / 'launches' / 'launchers.log'}"
    states = queue.farm.launchpad.fireworks.distinct("state")
    assert set(states) <= {"COMPLETED", "READY"}, f"jobs are {states}"
    done = queue.farm.launchpad.fireworks.count_documents({"state": "COMPLETED"})
    assert done == queue.farm.outputs.count_documents({}) > 0
    return Run(done, wall, cpu)


def spent_s(queue: Queue) -> float:
    """Seconds of processor time of the children that have ended, and of the database."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime + cpu_s([queue.server])


def table(runs: dict[str, list[Run]]) -> str:
    an_hour = {name: median(one.an_hour for one in each) for name, each in runs.items()}
    cpu = {name: median(one.cpu_s / one.jobs for one in each) for name, each in runs.items()}
    rows = ["| by | jobs run | jobs an hour | times singleshot | CPU s a job | singleshot's CPU over it |", "|---|---:|---:|---:|---:|---:|"]
    for name, each in runs.items():
        times = f"{an_hour[name] / an_hour[SINGLE]:.1f}", f"{cpu[name]:.3f}", f"{cpu[SINGLE] / cpu[name]:.1f}"
        rows.append(f"| {name} | {each[0].jobs} | {an_hour[name]:.0f} | {' | '.join(times)} |")
    goals = f"{an_hour[OURS] / an_hour[SINGLE]:.1f} times singleshot (goal: 20), {an_hour[OURS] / an_hour[RAPID]:.2f} times rapidfire (goal: 1)"
    in_cpu = f"{cpu[SINGLE] / cpu[OURS]:.1f} and {cpu[RAPID] / cpu[OURS]:.2f}"
    return "\n".join([*rows, f"\nour worker: {goals}; by processor time {in_cpu}"])


if __name__ == "__main__":
    main()
