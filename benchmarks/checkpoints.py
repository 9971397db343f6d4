"""What it costs a training to keep its checkpoints in the database too: epochs with and without, and one upload alone.

    python benchmarks/checkpoints.py [--channels 128] [--epochs 8]

A model of `--channels` scalar and vector channels on eight cells of four atoms, so that its weights are large and its
epochs short: the worst case. With copies, an upload is under way all the time (an interval of 0.01 s instead of 300).
The database is the one that `latticefarm` would use, started where none runs; what is written is removed again.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "training"))


def main() -> int:
    asked = arguments()
    from flows.depot import Depot

    store = database_store()
    with TemporaryDirectory(prefix="lf-checkpoints-") as directory:
        place = Path(directory)
        depot = Depot("benchmark-of-checkpoints", store)
        try:
            print("| epochs | median s | longest s | of it on disk, s | uploads |\n|---|---|---|---|---|")
            for number, interval_s in enumerate((0.0, 0.01, 0.0, 0.01)):
                row(asked, depot, place / str(number), interval_s)
            alone(depot, place / "3")
        finally:
            depot.clear()
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=8)
    return parser.parse_args()


def database_store() -> object:
    from launchers.database import ladder
    from launchers.farm import Farm

    return Farm.open(ladder.start()).store.additional_stores["checkpoints"]


def row(asked: argparse.Namespace, depot: object, place: Path, interval_s: float) -> None:
    from training_toys import base_calculator, labels_of, task_of

    from flows.courier import Courier
    from flows.shelf import Shelf
    from flows.training.checkpoints import Checkpoints
    from flows.training.outcome import trained_model
    from flows.training.settings import TrainingSettings

    ends: list[float] = []
    saves: list[float] = []

    class Timed(Checkpoints):
        def save(self, epoch: int, state: dict) -> None:
            began = time.perf_counter()
            super().save(epoch, state)
            ends.append(time.perf_counter())
            saves.append(ends[-1] - began)

    depot.clear()  # each begins at nothing
    uploads: list[str] = []
    put = depot.put
    depot.put = lambda path, *more: (put(path, *more), uploads.append(path.name))
    channels = {"hidden_irreps": f"{asked.channels}x0e + {asked.channels}x1o"}
    network = TrainingSettings().model_dump(include={"max_ell", "correlation", "num_radial_basis", "radial_mlp"})
    labels = labels_of("dft", base_calculator(), forces=True)
    task = task_of("dft_ef", "dft", counts=(8, 4, 4), max_epochs=asked.epochs, **channels, **network)
    try:
        with Courier(depot, interval_s) as courier:
            trained_model(task, labels, Timed(Shelf(place, courier)))
    finally:
        depot.put = put
    spent = [later - sooner for sooner, later in pairwise(ends)]
    what = "with copies" if interval_s else "without"
    print(f"| {what} | {statistics.median(spent):.3f} | {max(spent):.3f} | {statistics.median(saves):.3f} | {len(uploads)} |", flush=True)


def alone(depot: object, place: Path) -> None:
    newest = max(place.glob("epoch-*.checkpoint"))
    began = time.perf_counter()
    stowed = depot.put(newest, "alone", {})
    up = time.perf_counter() - began
    began = time.perf_counter()
    assert depot.fetch(stowed, place / "back")
    down = time.perf_counter() - began
    print(f"\nOne of {stowed.length / 1e6:.1f} MB alone: {up:.2f} s up, {down:.2f} s down, sha256 included")


if __name__ == "__main__":
    sys.exit(main())
