"""An MD goes on where no disk is shared: another directory, the same database, the same bits, spectrum included."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from dynamics_toys import dynamics, frames_in, frames_of, lih, task

from flows.courier import Courier
from flows.depot import Depot
from flows.dynamics import chunk as chunks
from flows.dynamics.md import StartDirectory, simulate
from flows.dynamics.outcome import start_facts, vibrations_of
from flows.dynamics.row import BEGINNING, Link, longest_row
from flows.dynamics.trajectory import PRODUCTION
from flows.failure import CalculationFailed
from flows.shelf import Shelf

LONG = dynamics(equilibration_steps=600, steps=1700, starts=2)  # more than one chunk of 500 steps in each phase

KILLED = """
import os, signal, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from dynamics_toys import lih, task
from test_dynamics_elsewhere import LONG
from flows.courier import Courier
from flows.depot import Depot
from flows.dynamics.outcome import vibrations_of
from flows.shelf import Shelf
from launchers.database import ladder
from launchers.farm import Farm

depot = Depot("md", Farm.open(ladder.running()).store.additional_stores["checkpoints"])
calculator = lih().calc
calculate, calls = calculator.calculate, []

def counted(*arguments, **named):
    calls.append(1)
    if len(calls) == 2300 + 600 + 1200:  # in the second start, 200 steps after its second chunk of production
        while len(depot.listed()) < 6 + 4:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGKILL)
    return calculate(*arguments, **named)

calculator.calculate = counted
with Courier(depot, 0.05) as courier:
    vibrations_of(task(dynamics=LONG), calculator, Shelf(Path({directory!r}), courier))
"""


class Interrupted(BaseException):
    """What a drain raises."""


@pytest.fixture
def depot(farm) -> Depot:
    return Depot("md", farm.store.additional_stores["checkpoints"])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("undisturbed")
    simulate(lih(), dynamics(), 0, StartDirectory(directory, "me", 40))
    return directory


@contextmanager
def carried(depot: Depot, directory: Path):
    with Courier(depot) as courier:
        yield Shelf(directory, courier)


def run(depot: Depot, directory: Path, belongs_to: str = "me", atoms=None, **changes):
    with carried(depot, directory) as shelf:
        return simulate(atoms or lih(), dynamics(**changes), 0, StartDirectory(shelf, belongs_to, 40))


def run_until_interrupted(depot: Depot, directory: Path, calls: int, belongs_to: str = "me", **changes) -> None:
    """A drain in the middle of a step, after that many calls of the calculator."""
    atoms = lih()
    calculate, made = atoms.calc.calculate, []

    def counted(*arguments, **named):
        made.append(1)
        if len(made) == calls:
            raise Interrupted
        return calculate(*arguments, **named)

    atoms.calc.calculate = counted
    with pytest.raises(Interrupted):
        run(depot, directory, belongs_to, atoms, **changes)


def joined(directory: Path) -> dict[str, bytes]:
    """All frames, however they are cut into chunks."""
    return frames_in(simulate(lih(), dynamics(), 0, StartDirectory(directory, "me", 40)))


def test_an_md_that_is_killed_goes_on_on_another_host(depot, home, tmp_path):
    undisturbed = vibrations_of(task(dynamics=LONG), lih().calc, tmp_path / "undisturbed")
    script = KILLED.format(tests=str(Path(__file__).parent), directory=str(tmp_path / "a"))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "LATTICEFARM_HOME": str(home)}
    assert subprocess.run([sys.executable, "-c", script], env=environment).returncode == -signal.SIGKILL
    before = {one.id for one in depot.listed()}

    with carried(depot, tmp_path / "b") as shelf:
        found = vibrations_of(task(dynamics=LONG), lih().calc, shelf)

    assert [one.resumed_from_steps for one in found.starts] == [(), (1000,)]
    varying = {"starts", "wall_time_s"}
    assert found.model_dump(exclude=varying) == undisturbed.model_dump(exclude=varying)
    for start in ("start-0", "start-1"):
        assert frames_of(tmp_path / "b" / start) == frames_of(tmp_path / "undisturbed" / start)
    assert before <= {one.id for one in depot.listed()}  # appended to, never written again


# call n of the calculator is within step n - 1: n - 2 steps are whole, of which 60 equilibrate
@pytest.mark.parametrize("calls", [25, 52, 150, 237])
def test_a_drain_loses_no_whole_step(calls, depot, undisturbed, tmp_path):
    """Interrupted within equilibration and production, and again elsewhere; each time it goes on at the last whole step."""
    run_until_interrupted(depot, tmp_path / "a", calls)
    assert start_facts(run(depot, tmp_path / "b"), 8).resumed_from_steps == (calls - 2 - 60,)
    assert joined(tmp_path / "b") == joined(undisturbed)


def test_it_may_be_interrupted_again_and_again(depot, undisturbed, tmp_path):
    for number in range(4):
        run_until_interrupted(depot, tmp_path / str(number), 50)
    trajectory = run(depot, tmp_path / "last")
    assert len(start_facts(trajectory, 8).resumed_from_steps) == 4
    assert trajectory.ignored == []
    assert joined(tmp_path / "last") == joined(undisturbed)


def test_frames_that_are_no_steps_end_a_drain_at_a_whole_frame(depot, tmp_path):
    apart = {"sample_every": 4, "positions_every": 5}
    calm = simulate(lih(), dynamics(**apart), 0, StartDirectory(tmp_path / "calm", "me", 40))
    run_until_interrupted(depot, tmp_path / "a", 150, **apart)
    found = run(depot, tmp_path / "b", **apart)
    assert start_facts(found, 8).resumed_from_steps == (88,)
    assert np.array_equal(found.velocities()[:, :], calm.velocities()[:, :])
    assert np.array_equal(found.column("position_steps"), calm.column("position_steps"))


def test_a_full_disk_at_a_drain_is_still_a_drain(depot, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    run_until_interrupted(depot, tmp_path / "a", 25)


@pytest.mark.parametrize("damaged", [0, 3, -1])
def test_a_damaged_chunk_costs_what_comes_after_it(damaged, farm, depot, undisturbed, tmp_path, capsys):
    run_until_interrupted(depot, tmp_path / "a", 237)
    bad = depot.listed()[damaged]
    farm.launchpad.db["checkpoints.chunks"].update_one({"files_id": bad.id}, {"$set": {"data": b"?"}})

    trajectory = run(depot, tmp_path / "b")
    assert trajectory.ignored == [f"{bad.name} in the database: damaged"]
    assert f"checkpoint ignored: {bad.name} in the database: damaged" in capsys.readouterr().out
    resumed = {0: (), 3: (40,), -1: (160,)}[damaged]
    assert start_facts(trajectory, 8).resumed_from_steps == resumed
    assert joined(tmp_path / "b") == joined(undisturbed)


def test_what_is_on_disk_is_not_fetched_and_what_is_lost_there_is(depot, undisturbed, tmp_path, monkeypatch):
    run_until_interrupted(depot, tmp_path / "a", 237)
    fetched = []
    fetch = Depot.fetch
    monkeypatch.setattr(Depot, "fetch", lambda self, one, path: fetched.append(one.name) or fetch(self, one, path))
    lost = sorted((tmp_path / "a").glob("chunk-1*.h5"))[1]
    lost.unlink()
    assert start_facts(run(depot, tmp_path / "a"), 8).resumed_from_steps == (175,)
    assert fetched == [lost.name]
    assert joined(tmp_path / "a") == joined(undisturbed)


def test_chunks_of_other_packages_are_named_and_kept_for_them(depot, undisturbed, tmp_path):
    run_until_interrupted(depot, tmp_path / "a", 237, "another build")
    trajectory = run(depot, tmp_path / "b")
    assert trajectory.ignored == ["up to step 175 of production in the database: of another run, or of other packages"]
    assert start_facts(trajectory, 8).resumed_from_steps == ()
    assert joined(tmp_path / "b") == joined(undisturbed)
    other = run(depot, tmp_path / "c", "another build")
    assert start_facts(other, 8).resumed_from_steps == (175,)


def test_an_explosion_leaves_nothing_of_its_own(depot, tmp_path):
    run_until_interrupted(depot, tmp_path / "a", 237)
    run_until_interrupted(depot, tmp_path / "a", 60, "another build")
    assert len({one.about["belongs_to"] for one in depot.listed()}) == 2
    with pytest.raises(CalculationFailed, match=r"not finite|temperature"):
        run(depot, tmp_path / "b", atoms=lih(cubic=1e9))
    assert {one.about["belongs_to"] for one in depot.listed()} == {"another build"}


def test_chunks_of_former_versions_are_gone_on_from(depot, undisturbed, tmp_path):
    """They tell their steps alone, and their names no digest."""
    run_until_interrupted(depot, tmp_path / "a", 237)
    depot.clear()
    for path in (tmp_path / "a").glob("chunk-*.h5"):
        as_of_former_versions(path)
    trajectory = run(depot, tmp_path / "a")
    assert start_facts(trajectory, 8).resumed_from_steps == (175,)
    assert joined(tmp_path / "a") == joined(undisturbed)


def as_of_former_versions(path: Path) -> None:
    import hashlib

    import h5py

    with h5py.File(path, "r+") as file:
        told = json.loads(file["about"][()])
        del told["previous"], file["about"]
        file["about"] = json.dumps(told)
    content = path.read_bytes()[chunks.USER_BLOCK :]
    digest = hashlib.sha256(content).hexdigest().encode().ljust(chunks.USER_BLOCK, b"\0")
    path.with_name(path.stem.rpartition("-")[0] + ".h5").write_bytes(digest + content)
    path.unlink()


def link(digest: str, previous: str | None, first: int, last: int, phase: str = PRODUCTION, where: str = "here") -> Link:
    from flows.depot import Stowed

    place = Path(digest) if where == "here" else Stowed(digest, digest, "", 0, {})
    return Link(digest, previous, phase, first, last, place)


def row(*links: Link) -> str:
    return "".join(one.digest for one in longest_row(links))


def test_two_workers_that_both_write_are_never_mixed():
    """One was taken for dead and was not: both went on from `a`."""
    a = link("a", BEGINNING, 0, 100, "0-equilibration")
    slow = [link("b", "a", 0, 500), link("c", "b", 500, 1000)]
    fast = [link("x", "a", 0, 500), link("y", "x", 500, 1000), link("z", "y", 1000, 1500)]
    assert row(a, *slow, *fast) == "axyz"
    assert row(a, *slow, fast[0], fast[2]) == "abc"
    assert row(*slow, *fast) == ""
    assert row(a, *slow, fast[0], link("y", "x", 500, 1000, where="there")) == "abc"


def test_former_chunks_join_by_their_steps_and_only_former_ones():
    former = [link("a", None, 0, 100, "0-equilibration"), link("b", None, 0, 500), link("d", None, 1000, 1500)]
    assert row(*former) == "ab"
    assert row(*former, link("c", "b", 500, 1000)) == "abc"
