"""Two `submit` of the same campaign at the same moment, many times, against a server that is killed in between.

    python benchmarks/double_submit.py [--trials 50]

Each time the campaign gets a database of its own. Two processes submit it at once; the embedded server is killed
with signal 9 at a random moment and begun again. Then a worker brings the campaign to its end. Every key must
have exactly one workflow, whole, and exactly one record.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parent))
from springs import write_campaign

from launchers.farm import Farm


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--random-seed", type=int, default=1)
    parser.add_argument("--no-work", action="store_true", help="check the workflows only, run nothing")
    asked = parser.parse_args()
    directory = Path(mkdtemp(prefix="lf-two-"))
    os.environ |= {"LATTICEFARM_HOME": str(directory), "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    chance = random.Random(asked.random_seed)
    spec = write_campaign(directory / "campaign", seeds=2, epochs=1)
    bad = []
    for trial in range(asked.trials):
        good = attempt(trial, spec, chance, not asked.no_work)
        print(f"trial {trial}: {'as it should be' if good else 'WRONG'}", flush=True)
        bad += [] if good else [trial]
    what = "one workflow" if asked.no_work else "one workflow and one record"
    print(f"{asked.trials - len(bad)} of {asked.trials} trials: {what} for every key; wrong: {bad}")
    return 1 if bad else 0


def attempt(trial: int, spec: Path, chance: random.Random, work: bool) -> bool:
    from launchers.database import ladder

    os.environ["LATTICEFARM_MONGO_DATABASE"] = f"trial_{trial}"
    ladder.start()
    together = multiprocessing.get_context("fork").Barrier(3)
    both = [multiprocessing.get_context("fork").Process(target=submit, args=(spec, together)) for _ in range(2)]
    for process in both:
        process.start()
    together.wait()
    time.sleep(chance.uniform(0.0, 1.5))
    server = psutil.Process(ladder.status()["process"])
    server.kill()
    server.wait(10)
    time.sleep(chance.uniform(0.0, 0.5))
    ladder.start()
    for process in both:
        process.join(300)
    submitted = [process.exitcode for process in both] == [0, 0]
    return submitted and whole(spec, work)


def submit(spec: Path, together: object) -> None:
    from campaign.spec import load_spec
    from campaign.steering.submit import submit as send

    loaded = load_spec(spec)
    farm = Farm.open(found())
    together.wait()  # type: ignore[attr-defined]
    send(farm, loaded)


def found() -> Any:
    from launchers.database import ladder

    place = ladder.find()
    assert place is not None, "the server does not answer"
    return place


def whole(spec: Path, work: bool) -> bool:
    """Whether every key that can be queued has one workflow, whole; and, after the work, one record."""
    from campaign.planning.knowledge import Knowledge
    from campaign.planning.plan import plan
    from campaign.records import labels
    from campaign.spec import load_spec
    from campaign.steering.submit import advance
    from flows.keys import job_uuid
    from launchers.workers.settings import WorkerSettings
    from launchers.workers.worker import Worker

    farm = Farm.open(found())
    asked = load_spec(spec).resolved
    keys = set(plan(asked, Knowledge(labels.stored(farm, asked))).work)
    if work:
        runs = Path(os.environ["LATTICEFARM_HOME"]) / "runs"
        Worker(farm, WorkerSettings(runs, until_empty=True, patience_s=2.0, then=advance)).run()
        stored = Counter(one["uuid"] for one in farm.outputs.find({"name": {"$not": {"$regex": "^label"}}}, {"uuid": 1}))
        if stored != Counter({job_uuid(key): 1 for key in keys}):
            return False
    named = Counter(one["metadata"]["key"] for one in farm.launchpad.workflows.find({}, {"metadata.key": 1}))
    nodes = [node for one in farm.launchpad.workflows.find({}, {"nodes": 1}) for node in one["nodes"]]
    fireworks = [one["fw_id"] for one in farm.launchpad.fireworks.find({}, {"fw_id": 1})]
    return set(named.values()) == {1} and set(named) <= keys and sorted(nodes) == sorted(fireworks)


if __name__ == "__main__":
    sys.exit(main())
