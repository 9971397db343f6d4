"""What the embedded database costs per job: `python benchmarks/embedded_queue.py` prints one table.

Real FireWorks workflows of one job each are inserted with `bulk_add_wfs`, then every one is checked out and
completed as a rocket does it, by one client. Then 50,000 labels are stored and found again.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIZES = (100, 1_000, 10_000)
LABELS = 50_000


@dataclass(frozen=True)
class Queue:
    """Times of one size of the queue: seconds for the insertion, milliseconds for the rest."""

    jobs: int
    insert_s: float
    checkout_ms: list[float]
    complete_ms: list[float]
    claim_ms: float

    def row(self) -> str:
        """The line of the table."""
        last = max(1, min(100, len(self.checkout_ms) // 10))
        return (
            f"| {self.jobs:,} | {self.insert_s:.2f} | {self.claim_ms:.1f} "
            f"| {statistics.mean(self.checkout_ms):.1f} | {statistics.mean(self.checkout_ms[:last]):.1f} "
            f"| {statistics.mean(self.checkout_ms[-last:]):.1f} | {statistics.mean(self.complete_ms):.1f} "
            f"| {statistics.mean(self.complete_ms[-last:]):.1f} |"
        )


@contextmanager
def _fresh_database() -> Iterator[Any]:
    from launchers.database import ladder

    with tempfile.TemporaryDirectory(prefix="lf-") as place:
        os.environ["LATTICEFARM_HOME"] = place
        os.environ.pop("LATTICEFARM_MONGO_URI", None)
        yield ladder.start()
        ladder.stop()


def _milliseconds(action: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - begun)


def measure_queue(jobs: int, sample: int | None) -> Queue:
    """Insert `jobs` workflows; check out and complete all of them, or `sample`."""
    from fireworks import Firework, FWAction, FWorker, ScriptTask, Workflow

    with _fresh_database() as found:
        launchpad = found.launchpad()
        launchpad.reset("", require_password=False)
        workflows = [
            Workflow(
                [Firework(ScriptTask.from_str("true"), name=f"job {i}", spec={"_category": "label"})],
                metadata={"key": f"{i:064x}", "system": "diamond", "stage": "label"},
            )
            for i in range(jobs)
        ]
        insert_s = _milliseconds(lambda: launchpad.bulk_add_wfs(workflows)) / 1000
        claim_ms = statistics.mean(_claim(launchpad) for _ in range(50))
        worker, checkouts, completions = FWorker(category="label"), [], []
        for _ in range(min(jobs, sample or jobs)):
            begun = time.perf_counter()
            firework, launch_id = launchpad.checkout_fw(worker, str(Path.cwd()))
            checkouts.append(1000 * (time.perf_counter() - begun))
            assert firework is not None
            action = FWAction()
            completions.append(_milliseconds(lambda n=launch_id, a=action: launchpad.complete_launch(n, a)))
        return Queue(jobs, insert_s, checkouts, completions, claim_ms)


def _claim(launchpad: Any) -> float:
    """Milliseconds of the one query in a checkout that looks at the whole queue; what it took is given back."""
    order, change = [("spec._priority", -1), ("created_on", 1)], {"$set": {"state": "RESERVED"}}
    begun = time.perf_counter()
    taken = launchpad.fireworks.find_one_and_update({"state": "READY"}, change, sort=order)
    spent = 1000 * (time.perf_counter() - begun)
    launchpad.fireworks.update_one({"_id": taken["_id"]}, {"$set": {"state": "READY"}})
    return spent


def measure_labels(number: int) -> list[str]:
    """Store labels of a 64-atom cell and find them again: lines of a table."""
    with _fresh_database() as found:
        outputs = found.connect()[found.name].outputs
        outputs.create_index([("uuid", 1), ("index", 1)], unique=True)
        outputs.create_index("output.system")
        forces = [[0.1 * i, 0.2, 0.3] for i in range(64)]
        rows = (
            {
                "uuid": f"{i:032x}",
                "index": 1,
                "output": {"system": f"s{i % 5}", "energy_eV": -1.0, "forces": forces},
            }
            for i in range(number)
        )
        insert_ms = _milliseconds(lambda: outputs.insert_many(rows, ordered=False))
        wanted = [f"{i:032x}" for i in range(0, number, max(1, number // 2000))][:2000]
        one_ms = _milliseconds(
            lambda: [outputs.find_one({"uuid": uuid, "index": 1}) for uuid in wanted[:200]]
        )
        many_ms = _milliseconds(lambda: list(outputs.find({"uuid": {"$in": wanted}}, {"uuid": 1})))
        count_ms = _milliseconds(lambda: outputs.count_documents({"output.system": "s3"}))
        return [
            f"| insert {number:,} labels | {insert_ms / 1000:.1f} s |",
            f"| one label by (uuid, index) | {one_ms / 200:.2f} ms |",
            f"| {len(wanted):,} labels by uuid | {many_ms:.0f} ms |",
            f"| count the labels of one system | {count_ms:.1f} ms |",
        ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="jobs in the queue")
    parser.add_argument("--labels", type=int, default=LABELS)
    parser.add_argument("--sample", type=int, help="check out and complete only so many of the jobs")
    arguments = parser.parse_args()
    print("| jobs | insert all, s | claim, ms | checkout, ms | first | last | completion, ms | last |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for size in arguments.sizes:
        print(measure_queue(size, arguments.sample).row(), flush=True)
    print("\n| labels | |\n|---|---:|")
    print("\n".join(measure_labels(arguments.labels)))


if __name__ == "__main__":
    main()
