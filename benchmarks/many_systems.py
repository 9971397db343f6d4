"""Ten thousand pieces of work: what planning, submitting, asking and advancing cost a campaign of fifty systems.

    python benchmarks/many_systems.py [--systems 50] [--frames 500] [--seeds 10] [--directory DIR]

Each system is a metal of its own lattice constant with published labels at two levels; nothing is trained, records
are put in place of trainings. The campaign goes into a database of its own in DIR. Times are wall seconds and CPU
seconds of this process and of the embedded database, which take turns: on idle cores their sum is about the wall time.
Memory is the largest of this process so far.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import psutil
import yaml

SIZES = ("full", "half", "quarter", "eighth")
EIGHTHS = {"full": 8, "half": 4, "quarter": 2, "eighth": 1}


def main() -> int:
    asked = arguments()
    os.environ["LATTICEFARM_HOME"] = str(asked.directory / "home")
    os.environ.pop("LATTICEFARM_MONGO_URI", None)
    spec = write_campaign(asked.directory, asked.systems, asked.frames, asked.seeds)
    from launchers.database import ladder

    ladder.start()
    try:
        measure(spec)
    finally:
        ladder.stop()
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=int, default=50)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--directory", type=Path, default=None)
    asked = parser.parse_args()
    asked.directory = (asked.directory or Path(mkdtemp(prefix="lf-many-"))).absolute()
    return asked


def write_campaign(directory: Path, systems: int, frames: int, seeds: int) -> Path:
    """Labels of a toy (harmonic about the sites) and the YAML; return the YAML."""
    directory.mkdir(parents=True, exist_ok=True)
    cells = {}
    for number in range(systems):
        name, a = f"metal-{number:02d}", 3.6 + 0.01 * number
        write_labels(directory, name, a, frames, number)
        cells[name] = {
            "structure": {"prototype": "fcc", "symbols": ["Cu"], "a": a},
            "cells": {"training": [1, 1, 1], "phonons": [2, 2, 2], "big": [2, 2, 2]},
            "levels": {"dft": {"data": f"{name}-dft.xyz", "forces": True}, "hf": {"data": f"{name}-hf.xyz"}},
        }
    sizes = {name: frames * EIGHTHS[name] // 8 for name in SIZES}
    asked = {
        "campaign": "many",
        "systems": cells,
        "models": ["dft_ef", "hf-dft"],
        "training": {"seeds": list(range(1, seeds + 1)), "sizes": list(sizes.values())},
    }
    path = directory / "many.yaml"
    path.write_text(yaml.safe_dump(asked, sort_keys=False))
    return path


def write_labels(directory: Path, name: str, a: float, frames: int, number: int) -> None:
    from ase.build import bulk
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write

    random, rest = np.random.default_rng(number), bulk("Cu", cubic=True, a=a)
    made: dict[str, list[Any]] = {"dft": [], "hf": []}
    for _ in range(frames):
        moved = random.normal(scale=0.05, size=rest.positions.shape)
        for level, stiffness in (("dft", 4.0), ("hf", 5.0)):
            atoms = rest.copy()
            atoms.positions += moved
            energy, forces = 0.5 * stiffness * float((moved**2).sum()), -stiffness * moved
            carried = {"energy": energy, **({"forces": forces} if level == "dft" else {})}
            atoms.calc = SinglePointCalculator(atoms, **carried)
            made[level].append(atoms)
    for level, images in made.items():
        write(directory / f"{name}-{level}.xyz", images)


def measure(path: Path) -> None:
    from campaign.records.plans import kept_plan
    from campaign.spec import load_spec
    from campaign.steering.status import State, status_of
    from campaign.steering.submit import advance, planned, reconcile, submit
    from launchers.database import ladder
    from launchers.farm import Farm

    loaded = timed("read the YAML and its files", lambda: load_spec(path))
    farm = Farm.open(ladder.running())
    first = timed("submit", lambda: submit(farm, loaded))
    print(f"{len(first.status.plan.work)} pieces of work, {len(first.added)} of them queued")
    timed("submit again, nothing has changed", lambda: submit(farm, loaded))
    timed("plan", lambda: planned(farm, loaded.resolved))
    kept = timed("read the plan that is kept", lambda: kept_plan(farm, "many"))
    timed("status", lambda: status_of(farm, kept))
    ready = status_of(farm, kept).of(State.QUEUED)
    deliver(farm, ready[:200])
    times = [timed(None, lambda key=work.key: advance(farm, key)) for work in ready[:200]]
    print(f"advance after one of 200 trainings: {sum(times) / 200:.3f} s wall, at most {max(times):.3f} s")
    timed("reconcile after them", lambda: reconcile(farm, loaded.resolved))


def deliver(farm: Any, works: list[Any]) -> None:
    """Store records in place of those that jobs would deliver."""
    from flows.keys import job_uuid

    farm.store_records({job_uuid(work.key): {"key": work.key, "wall_time_s": 1.0} for work in works}, "in place of a training")


def timed(what: str | None, action: Callable[[], Any]) -> Any:
    """What `action` returns; without a name, the seconds that it took."""
    wall, cpu, server = time.perf_counter(), time.process_time(), database_s() if what else 0.0
    result = action()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    if what is None:
        return wall
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    costs = f"{wall:8.2f} s wall  {cpu:8.2f} s CPU  {database_s() - server:8.2f} s of the database"
    print(f"{what:40s} {costs}  {memory:5.2f} GB  load {os.getloadavg()[0]:.1f}", flush=True)
    return result


def database_s() -> float:
    """Seconds of processor time that the embedded database has spent."""
    from launchers.database import ladder

    times = psutil.Process(ladder.status()["process"]).cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    sys.exit(main())
