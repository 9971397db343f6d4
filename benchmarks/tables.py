"""Tables of results of a campaign of ten thousand pieces of work: what each costs who asks for it.

    python benchmarks/tables.py [--systems 50] [--seeds 10] [--frames 100] [--directory DIR] [--only TABLE ...]

The campaign is that of `many_systems.py`, into which records of a real size are put in place of those of jobs: bands of
six modes along the path, a density of states, a file of force constants, learning curves of fifty epochs, predictions for
each structure. In DIR it is kept: a second call measures again, of other code for instance. Each table is asked for once, by a campaign that is
opened for it; the first row is opening alone. Wall seconds, and of these the processor time of this process.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from many_systems import database_s, write_campaign

EPOCHS = 50
FILTERED = ("phonons", "points")
BATCH = 200  # records at a time: they are large


def main() -> int:
    asked = arguments()
    os.environ["LATTICEFARM_HOME"] = str(asked.directory / "home")
    os.environ.pop("LATTICEFARM_MONGO_URI", None)
    os.environ.setdefault("TQDM_DISABLE", "1")
    from launchers.database import ladder

    ladder.start()
    try:
        prepare(asked)
        measure(asked.only)
    finally:
        ladder.stop()
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--directory", type=Path, default=None)
    parser.add_argument("--only", nargs="*", default=())
    asked = parser.parse_args()
    asked.directory = (asked.directory or Path(mkdtemp(prefix="lf-tables-"))).absolute()
    return asked


def prepare(asked: argparse.Namespace) -> None:
    """The campaign and all of its records, unless they are there."""
    from campaign.records.campaigns import campaign_names
    from campaign.spec import load_spec
    from campaign.steering.submit import submit
    from launchers.database import ladder
    from launchers.farm import Farm

    farm = Farm.open(ladder.running())
    if "many" in campaign_names(farm):
        return
    started = time.perf_counter()
    path = write_campaign(asked.directory, asked.systems, asked.frames, asked.seeds)
    deliver(farm, submit(farm, load_spec(path)).status.plan)
    print(f"submitted, records stored: {time.perf_counter() - started:.0f} s", flush=True)


def deliver(farm: Any, plan: Any) -> None:
    """A record for each piece of work; those of phonons with their file."""
    from flows.keys import job_uuid
    from launchers.transfer import put_blob

    computed = phonons()
    file, about = computed.blob.content(), computed.blob.model_dump(exclude={"base64"})
    records = {"train": trained(), "sum": summed(), "phonons": computed.model_dump(mode="json", exclude={"blob"})}
    batch: dict[str, dict[str, Any]] = {}
    for number, work in enumerate(plan.work.values()):
        place = {name: getattr(work, name) for name in ("key", "system", "model", "seed", "size")}
        batch[uuid := job_uuid(work.key)] = records[work.stage] | place
        if work.stage == "sum":
            batch[uuid] |= {"base_key": work.needs[0], "difference_key": work.needs[1]}
        elif work.stage == "phonons":
            batch[uuid]["blob"] = {"blob_uuid": uuid, "store": "blobs"}
            put_blob(farm, {"uuid": uuid, "index": 1, "output": batch[uuid]}, about, file)
        if len(batch) == BATCH or number + 1 == len(plan.work):
            farm.store_records(batch, "in place of a job")
            batch = {}


def phonons() -> Any:
    """Of a crystal with two atoms, on springs of ASE's Morse potential, with the default settings."""
    from ase.build import bulk
    from ase.calculators.morse import MorsePotential

    from flows.phonons.harmonic import calculator_forces
    from flows.phonons.outcome import phonons_of
    from flows.phonons.settings import PhononSettings, PhononTask
    from flows.records import Structure

    crystal = bulk("C", "diamond", a=3.56)
    task = PhononTask(
        key="", system="", model="", primitive=Structure.from_atoms(crystal), supercell=((2, 0, 0), (0, 2, 0), (0, 0, 2)),
        settings=PhononSettings(),
    )
    forces = calculator_forces(MorsePotential(epsilon=4.0, r0=1.54, rho0=4.0, rcut1=2.0, rcut2=2.4))
    return phonons_of(task, forces)


def trained() -> dict[str, Any]:
    from flows.records import Baseline, EpochRecord, Errors, TrainedModelFacts

    splits = ("train", "valid", "test")
    return TrainedModelFacts(
        key="", system="", model="", seed=1, size="", train_count=40, valid_count=10, test_count=50, atoms=4,
        errors={split: Errors(count=10, energy_meV_atom=1.0, force_meV_A=30.0) for split in splits},
        baselines=tuple(Baseline(split=split, constant_meV_atom=9.0, line_meV_atom=5.0) for split in splits),
        line_slope=0.1, rms_delta_force_meV_A=20.0, learned=True, verdict="test RMSE is 20% of the straight line's",
        learning_curve=tuple(EpochRecord(epoch=one, loss=1 / (1 + one)) for one in range(EPOCHS)),
        best_epoch=EPOCHS - 1, predictions_eV={f"{one:040x}": -1.0 * one for one in range(100)},
        settings={"r_max": 4.0, "max_epochs": EPOCHS}, wall_time_s=60.0,
    ).model_dump(mode="json")


def summed() -> dict[str, Any]:
    from flows.records import Errors, SummedModel

    errors = {split: Errors(count=10, energy_meV_atom=1.5) for split in ("train", "valid", "test")}
    return SummedModel(
        key="", system="", model="", seed=1, size="", base_key="", difference_key="", errors=errors, learned=True, verdict="fine"
    ).model_dump(mode="json")


def measure(only: tuple[str, ...]) -> None:
    from campaign.results import TABLES, connect

    many = connect("many")
    print(f"{len(many.plan.work)} pieces of work; load {os.getloadavg()[0]:.1f}")
    for name in only or TABLES:
        for where in filters(name, many):
            timed(name, where)


def filters(name: str, many: Any) -> Iterator[dict[str, Any]]:
    """All of a table, and of some also one system."""
    yield {}
    if name in FILTERED:
        yield {"system": next(iter(many.spec.systems))}


def timed(name: str, where: dict[str, Any]) -> None:
    from campaign.results import connect

    wall, cpu, server = time.perf_counter(), time.process_time(), database_s()
    try:
        frame = connect("many").table(name, **where)
    except TypeError:
        return  # code that knows no filters
    wall, cpu, server = time.perf_counter() - wall, time.process_time() - cpu, database_s() - server
    what = f"{name} {' '.join(f'{key}={value}' for key, value in where.items())}"
    print(f"{what:26s} {len(frame):7d} rows {wall:8.2f} s wall {cpu:8.2f} s CPU {server:8.2f} s of the database", flush=True)


if __name__ == "__main__":
    sys.exit(main())
