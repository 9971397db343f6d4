"""On a real Slurm of this machine: allocations begin, work, end, wait for a reason, and are refused."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from schedulers import real_slurm

from launchers.farm import Farm
from launchers.machines import allocations
from launchers.machines.allocations import live
from launchers.machines.check import check
from launchers.machines.launch import Order, launch
from launchers.machines.overview import overview
from launchers.machines.reach import is_on_this_host
from launchers.machines.scheduler import SCHEDULERS, stop_time
from launchers.machines.site import Site
from launchers.machines.slots import Slot
from launchers.workers.deadline import deadline_file, told
from launchers.workers.node import Node, NodeSettings
from launchers.workers.pulse import NodePulse
from launchers.workers.settings import WorkerSettings

COMMAND = (sys.executable, "-c", "from campaign.cli import run_main; run_main()")


@pytest.fixture(autouse=True)
def _slurm(slurm_conf: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CONF", slurm_conf)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")])))


@pytest.fixture
def order(home: Path, database_name: str) -> Callable[..., Order]:
    """One class on the database of the test."""

    def make(**kind: Any) -> Order:
        gpu = {"walltime": "10m", "cores": 2, "partition": "gpu", "max_allocations": 1, **kind}
        site = Site(scheduler="slurm", classes={"gpu": gpu})  # type: ignore[arg-type]
        variables = {"LATTICEFARM_HOME": str(home), "LATTICEFARM_MONGO_DATABASE": database_name}
        return Order("here", site, COMMAND, home, variables)

    return make


def wait_for(what: Callable[[], Any], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def squeue(form: str, *arguments: str) -> list[str]:
    return subprocess.run(["squeue", "-h", "-o", form, *arguments], check=True, capture_output=True, text=True).stdout.split()


def states(farm: Farm) -> list[str]:
    return [one["state"] for one in farm.launchpad.fireworks.find({}, {"state": 1})]


def test_an_allocation_works_and_ends(farm, order, tmp_path, add_ready):
    told = order(gpus=2)
    seen = tmp_path / "seen"
    add_ready(farm, *"abcd", _tasks=None)
    script = f"echo $SLURM_JOB_ID $LATTICEFARM_ALLOCATION_NAME $CUDA_VISIBLE_DEVICES >> {seen}; sleep 0.5"
    farm.launchpad.fireworks.update_many({}, {"$set": {"spec._tasks.0.script": [script], "spec._tasks.0.use_shell": True}})
    (outcome,) = launch(farm, told) or ()
    assert outcome.submitted
    (one,) = live(farm)
    wait_for(lambda: set(states(farm)) == {"COMPLETED"})
    wait_for(lambda: launch(farm, told) and not live(farm))
    rows = [line.split() for line in seen.read_text().splitlines()]
    assert {tuple(row[:2]) for row in rows} == {(outcome.submitted[0], one.name)}
    assert {row[2] for row in rows} == {"0", "1"}  # two slots, a GPU each
    (ended,) = allocations.all_of(farm)
    assert (ended.state, ended.word) == ("ended", "COMPLETED")
    assert 0 < ended.hours < 0.1
    assert "2 workers" in (Path(one.folder) / "allocation.log").read_text()


def test_a_job_with_an_allocation_of_its_own_starts_its_program_on_all_of_it(farm, order, tmp_path, add_ready):
    """`srun` of the job starts a task on each core; what does not name the class is left, by the pass and by the worker."""
    told = order(cores=4, own=True)
    seen = tmp_path / "seen"
    add_ready(farm, "a", _needs={"allocation": "gpu", "memory_GB": 1000.0})
    script = f"srun sh -c 'echo $SLURM_PROCID of $SLURM_NTASKS >> {seen}'"
    farm.launchpad.fireworks.update_many({}, {"$set": {"spec._tasks.0.script": [script], "spec._tasks.0.use_shell": True}})
    add_ready(farm, "b")
    (outcome,) = launch(farm, told) or ()
    assert (outcome.ready, outcome.slots, len(outcome.submitted)) == (1, 1, 1)
    wait_for(lambda: seen.exists() and "COMPLETED" in states(farm))
    wait_for(lambda: (launch(farm, told) or ()) and not live(farm))
    assert sorted(seen.read_text().splitlines()) == [f"{number} of 4" for number in range(4)]
    assert sorted(states(farm)) == ["COMPLETED", "READY"]
    assert len(list(allocations.all_of(farm))) == 1


def test_one_that_is_cancelled_puts_its_work_back(farm, order, add_ready):
    add_ready(farm, "a")
    farm.launchpad.fireworks.update_many({}, {"$set": {"spec._tasks.0.script": ["sleep 100"]}})
    (outcome,) = launch(farm, order()) or ()
    wait_for(lambda: states(farm) == ["RUNNING"])
    SCHEDULERS["slurm"].withdraw(outcome.submitted[0])
    wait_for(lambda: states(farm) == ["READY"])


def test_one_that_waits_says_why_and_never_ran(farm, order, add_ready):
    add_ready(farm, "a")
    told = order(options={"begin": "now+1hour"})
    (outcome,) = launch(farm, told) or ()
    number = outcome.submitted[0]
    # Slurm looks at it once before it says the final reason
    wait_for(lambda: overview(farm).lines() == [f"allocations of here gpu: 1 pending: BeginTime ({number})"])
    SCHEDULERS["slurm"].withdraw(number)
    (again,) = launch(farm, told) or ()
    assert again.submitted == [str(int(number) + 1)]
    (first, _) = allocations.all_of(farm)
    assert (first.word, first.core_hours) == ("CANCELLED", 0.0)
    SCHEDULERS["slurm"].withdraw(again.submitted[0])


def test_what_is_refused(farm, order, add_ready):
    add_ready(farm, "a")
    (outcome,) = launch(farm, order(partition="nope")) or ()
    assert outcome.notes == ["sbatch: invalid partition specified: nope"]
    (outcome,) = launch(farm, order(gres="gpu:9")) or ()
    assert outcome.notes == ["sbatch: Requested node configuration is not available"]
    assert allocations.all_of(farm) == []


def test_doctor_sees_it_beforehand(order):
    def found(**kind: Any) -> list[tuple[bool | None, str, str]]:
        return [(one.usable, one.found, one.todo) for one in check("here", order(**kind).site)][1:]

    assert found(gpus=4) == [(True, "sbatch would take it: 4 slots (4 with a GPU)", "")]
    assert found(partition="nope") == [(False, "no partition nope", "there are cpu, gpu")]
    ((usable, why, _),) = found(gpus=9)
    assert (usable, why) == (False, "Requested node configuration is not available")
    assert is_on_this_host("slurm")


def test_when_an_allocation_ends(tmp_path):
    said = tmp_path / "said"
    program = f"{sys.executable} -c 'from launchers.machines.scheduler import end_time, here; print(here(), end_time())' > {said}.part; mv {said}.part {said}"
    submitted = subprocess.run(
        ["sbatch", "--parsable", "-t", "7", "-o", "/dev/null", "--wrap", program], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    number = submitted.stdout.strip()
    wait_for(said.exists)
    place, ends = said.read_text().split()
    assert place == f"slurm:{number}"
    (started,) = squeue("%S", "-t", "all", "-j", number)
    assert float(ends) == time.mktime(time.strptime(started, "%Y-%m-%dT%H:%M:%S")) + 7 * 60


SCRIPT = """
import subprocess, sys
from pathlib import Path
from launchers.database.ladder import running
from launchers.farm import Farm
from launchers.machines.launch import Order, launch
from launchers.machines.site import Site
gpu = {"walltime": "10m", "cores": 2, "partition": "gpu", "options": {"begin": "now+1hour"}}
order = Order("here", Site(scheduler="slurm", classes={"gpu": gpu}), ("x",), Path(sys.argv[1]), {})
farm = Farm.open(running())
print("ready", flush=True)
while True:
    launch(farm, order)
    for one in farm.allocations.find({"state": "pending"}):
        subprocess.run(["scancel", one["job_id"]])
"""


@pytest.mark.slow
def test_before_its_end_an_allocation_puts_back_what_it_has_in_hand(farm, order, add_ready):
    """Nobody tells it when that is; without, Slurm would end it with TIMEOUT."""
    add_ready(farm, "a")
    farm.launchpad.fireworks.update_many({}, {"$set": {"spec._tasks.0.script": ["sleep 300"]}})
    told = order(walltime="2m")
    began = time.monotonic()
    launch(farm, told)
    wait_for(lambda: states(farm) == ["RUNNING"])
    wait_for(lambda: states(farm) == ["READY"], 110)
    assert time.monotonic() - began > 45
    farm.launchpad.fireworks.update_many({}, {"$set": {"state": "PAUSED"}})
    wait_for(lambda: launch(farm, told) and not live(farm), 30)
    (ended,) = allocations.all_of(farm)
    assert ended.word == "COMPLETED"


@pytest.mark.slow
def test_several_nodes_have_an_agent_each(farm, order, tmp_path, add_ready, monkeypatch):
    """Two nodes of two GPUs (both are this machine): four slots, each with a GPU of its node's."""
    seen = tmp_path / "seen"
    add_ready(farm, *"abcdefgh")
    script = f"echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES >> {seen}; sleep 2"
    farm.launchpad.fireworks.update_many({}, {"$set": {"spec._tasks.0.script": [script], "spec._tasks.0.use_shell": True}})
    with real_slurm(nodes=2, gpus=2, cores=4) as configuration:
        monkeypatch.setenv("SLURM_CONF", configuration)
        assert not is_on_this_host("slurm")
        (outcome,) = launch(farm, order(nodes=2, gpus=2)) or ()
        assert len(outcome.submitted) == 1
        wait_for(lambda: set(states(farm)) == {"COMPLETED"})
        wait_for(lambda: launch(farm, order(nodes=2, gpus=2)) and not live(farm))
    assert set(seen.read_text().splitlines()) == {"n1 0", "n1 1", "n2 0", "n2 1"}
    assert len(seen.read_text().splitlines()) == 8
    (ended,) = allocations.all_of(farm)
    assert (ended.word, ended.cores, ended.slots) == ("COMPLETED", 4, 4)


@pytest.mark.slow
def test_killed_at_any_moment_it_never_exceeds_its_limit(farm, order, home, add_ready):
    """Passes that are killed at random moments, on a Slurm that lets nothing begin: one job lives, under one claim."""
    add_ready(farm, *"abcdefgh")
    draw, caught = random.Random(20), 0
    for _ in range(20):
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(home)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(draw.uniform(0.0, 0.6))
        process.kill()
        process.wait()
        time.sleep(1.5)  # an sbatch that outlived it
        assert len(squeue("%j", "-t", "PENDING,RUNNING")) <= 1
        caught += sum(one.job_id is None for one in live(farm))
        farm.launchpad.db["leases"].update_many({}, {"$set": {"until": None}})  # as if minutes had gone by
        farm.allocations.update_many({}, {"$inc": {"claimed": -1000.0}})
        launch(farm, order(options={"begin": "now+1hour"}))
        assert squeue("%j", "-t", "PENDING,RUNNING") == [one.name for one in live(farm)]
        assert len(live(farm)) == 1
    assert caught > 0  # else no kill fell between a claim and its number
    for number in squeue("%i", "-t", "PENDING"):
        SCHEDULERS["slurm"].withdraw(number)


def test_what_an_allocation_that_is_killed_had_in_hand_is_put_back_at_once(farm, order, add_ready):
    """Its processes say nothing, as on a host that nobody reaches, and another node sees what the scheduler says."""
    add_ready(farm, "a")
    farm.launchpad.fireworks.update_many({}, {"$set": {"spec._tasks.0.script": ["sleep 100"]}})
    (outcome,) = launch(farm, order()) or ()
    wait_for(lambda: states(farm) == ["RUNNING"])
    busy = {"launch_id": {"$exists": True}, "cluster": "tests"}
    wait_for(lambda: farm.heartbeats.find_one(busy))
    slot = farm.heartbeats.find_one(busy)
    agent = int(slot["node"].split(":")[1])
    os.kill(agent, signal.SIGSTOP)  # or it would begin the slot again
    os.kill(slot["pid"], signal.SIGKILL)
    try:
        another = NodePulse(list, 0.0)
        unheard = {"host": "elsewhere", "beat": slot["beat"] - timedelta(seconds=60)}
        farm.heartbeats.update_one({"_id": slot["_id"]}, {"$set": unheard})
        another.once()
        assert states(farm) == ["RUNNING"]  # its allocation runs
        subprocess.run(["scancel", "-f", "-s", "KILL", outcome.submitted[0]], check=True)
        with suppress(ProcessLookupError):
            os.kill(agent, signal.SIGKILL)
        wait_for(lambda: not squeue("%i", "-t", "RUNNING,COMPLETING", "-j", outcome.submitted[0]))
        another.once()
        assert states(farm) == ["RUNNING"]  # it was asked a moment ago
        farm.leases.delete_many({"_id": {"$regex": "^gone "}})  # as if half a minute had gone by
        another.once()
        assert states(farm) == ["READY"]
        assert [one["ended"]["kind"] for one in farm.launchpad.launches.find()] == ["allocation-gone"]
    finally:
        with suppress(ProcessLookupError):
            os.kill(agent, signal.SIGKILL)


def test_an_allocation_that_is_extended_and_then_made_shorter(farm, tmp_path, add_ready, monkeypatch):
    submitted = subprocess.run(
        ["sbatch", "--parsable", "-t", "10", "-o", "/dev/null", "--wrap", "sleep 300"], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    number = submitted.stdout.strip()
    wait_for(lambda: squeue("%T", "-j", number) == ["RUNNING"])
    started = time.mktime(time.strptime(squeue("%S", "-j", number)[0], "%Y-%m-%dT%H:%M:%S"))
    monkeypatch.setenv("SLURM_JOB_ID", number)
    monkeypatch.setattr("launchers.workers.deadline.ASK_S", 0.5)
    add_ready(farm, "a")
    farm.launchpad.fireworks.update_many({}, {"$set": {"spec._tasks.0.script": ["sleep 100"]}})

    def limit(minutes: int) -> None:
        subprocess.run(["scontrol", "update", f"jobid={number}", f"timelimit={minutes}"], check=True)

    settings = WorkerSettings(tmp_path / "runs", deadline=stop_time(), patience_s=0.5)
    node = Node(NodeSettings([Slot(0, 1, 1.0, ())], settings, partial(stop_time, as_it_began=False)))
    node.start()
    try:
        wait_for(lambda: node.poll() and states(farm) == ["RUNNING"])
        said = deadline_file(settings.run_root, os.getpid())
        assert settings.deadline == started + 9 * 60
        assert not said.exists()
        limit(30)
        wait_for(lambda: told(said) == started + 29 * 60)
        assert states(farm) == ["RUNNING"]
        limit(1)  # less a minute: it should have stopped when it began
        wait_for(lambda: states(farm) == ["READY"], 30)
        wait_for(lambda: not node.poll(), 30)
        assert not said.exists()
    finally:
        node.drain()
        node.wait()
        SCHEDULERS["slurm"].withdraw(number)
