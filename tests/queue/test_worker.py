"""Workers: run, fail, drain; what was in hand goes back into the queue."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from launchers.machines.hardware import Hardware
from launchers.machines.slots import Slot, slots
from launchers.queue.claims import add
from launchers.queue.launchpad import cancel, counts, fizzled, pause, queued, resume, withdraw
from launchers.queue.processes import ProcessName
from launchers.workers.node import Node, NodeSettings
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Worker


@pytest.fixture
def settings(tmp_path: Path) -> WorkerSettings:
    return WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=0.5)


def wait_for(what, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def slot(directory: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "launchers.workers.slot", "--run-root", str(directory), "--until-empty"]
    return subprocess.Popen([*command, "--patience", "0.5"], start_new_session=True)


def test_inputs_are_read_from_the_store(farm, toy_task, envelope, settings):
    first = toy_task(value=2)
    second = toy_task(value=40, needs=(first.key,))
    for task in (first, second):
        add(farm, [envelope(task)])
        Worker(farm, settings).run()
    assert farm.records([envelope(second).uuid])[envelope(second).uuid]["value"] == 42


def test_a_failure_shows_its_reason_and_stays_failed(farm, toy_task, envelope, settings):
    bad = toy_task(value=1, fail=True)
    add(farm, [envelope(bad)])
    Worker(farm, settings).run()
    Worker(farm, settings).run()
    assert counts(farm) == {"FIZZLED": 1}
    (found,) = fizzled(farm, queued(farm, [bad.key]).values())
    assert found.failure["message"] == "this toy was asked to fail"
    assert found.failure["advice"] == "ask it not to"
    assert Path(found.launch_directory).parent == settings.run_root
    assert "CalculationFailed" in found.traceback
    assert add(farm, [envelope(bad)]) == []
    assert withdraw(farm, [bad.key]) == [bad.key]
    assert counts(farm) == {}
    cured = toy_task(value=1, fail=True).model_copy(update={"fail": False})
    assert add(farm, [envelope(cured)]) == [bad.key]
    assert counts(farm) == {"READY": 1}


def test_a_missing_input_fails_with_its_key(farm, toy_task, envelope, settings):
    task = toy_task(value=1, needs=("0" * 40,))
    add(farm, [envelope(task)])
    Worker(farm, settings).run()
    (found,) = fizzled(farm, queued(farm, [task.key]).values())
    assert "0" * 40 in found.failure["message"]


def test_pause_resume_and_cancel(farm, toy_task, envelope):
    keys = add(farm, [envelope(toy_task(value=number)) for number in range(3)])
    assert sorted(pause(farm, keys)) == sorted(keys)
    assert counts(farm) == {"PAUSED": 3}
    assert sorted(resume(farm, keys[:2])) == sorted(keys[:2])
    assert counts(farm) == {"READY": 2, "PAUSED": 1}
    assert sorted(cancel(farm, keys)) == sorted(keys)
    assert counts(farm) == {}
    assert sorted(add(farm, [envelope(toy_task(value=number)) for number in range(3)])) == sorted(keys)


def test_a_worker_takes_its_categories_only(farm, toy_task, envelope, tmp_path):
    add(farm, [envelope(toy_task(value=1))])
    label = WorkerSettings(tmp_path / "runs", categories=("label",), patience_s=0.5, deadline=time.time() + 2)
    assert Worker(farm, label).run() == 0
    assert counts(farm) == {"READY": 1}


def test_jobs_print_into_logs_of_their_own(tmp_path):
    script = (
        "import os\nfrom pathlib import Path\nfrom launchers.workers.run_directory import output_to\n"
        "with output_to(Path('job.log')):\n    print('from python')\n    os.system('echo from a child')\nprint('after')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert sorted((tmp_path / "job.log").read_text().split()) == sorted(["from", "python", "from", "a", "child"])
    assert done.stdout == "after\n"


def test_a_drained_worker_puts_its_job_back(farm, toy_task, envelope, tmp_path):
    task = toy_task(value=1, seconds=120)
    add(farm, [envelope(task)])
    process = slot(tmp_path)
    wait_for(lambda: counts(farm) == {"RUNNING": 1})
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert counts(farm) == {"READY": 1}


def test_a_killed_workers_job_is_rescued_by_the_next(farm, toy_task, envelope, tmp_path):
    task = toy_task(value=1, seconds=4)
    add(farm, [envelope(task)])
    process = slot(tmp_path)
    wait_for(lambda: counts(farm) == {"RUNNING": 1})
    process.kill()
    process.wait()
    second = slot(tmp_path)
    assert second.wait(90) == 0
    assert counts(farm) == {"COMPLETED": 1}
    assert farm.outputs.count_documents({"uuid": envelope(task).uuid}) == 1


def test_a_node_begins_a_dead_worker_again_and_drains(farm, toy_task, envelope, tmp_path, monkeypatch):
    monkeypatch.setattr("launchers.workers.node.RESTART_S", 0.1)
    add(farm, [envelope(toy_task(value=number, seconds=2)) for number in range(2)])
    node = Node(NodeSettings([Slot(0, 1, 1.0, ())], WorkerSettings(tmp_path / "runs", patience_s=0.5)))
    node.start()
    wait_for(lambda: counts(farm).get("RUNNING") == 1)
    os.kill(node.processes[0], signal.SIGKILL)
    wait_for(lambda: node.poll() and counts(farm) == {"COMPLETED": 2}, 120)
    node.drain()
    node.wait()
    assert node.processes == {}


@pytest.mark.parametrize("locked", [False, True])
def test_what_is_to_be_put_back_is_not_left_behind(farm, toy_task, envelope, settings, locked):
    """FIZZLED by trouble of the machine, also where its workflow is locked: it is neither ready nor running."""
    from fireworks import FWAction, FWorker

    add(farm, [envelope(toy_task(value=1))])
    launch = farm.launchpad.checkout_fw(FWorker(name="a worker"), "/nowhere")[1]
    told = {"_stacktrace": "...\nOSError: [Errno 28] No space left on device", "_details": None}
    farm.launchpad.complete_launch(launch, FWAction(stored_data={"_exception": told}, exit=True), "FIZZLED")
    if locked:
        farm.launchpad.workflows.update_many({}, {"$set": {"locked": True}})
    assert Worker(farm, settings).run() == 1
    assert counts(farm) == {"COMPLETED": 1}


def test_process_names_tell_the_living_from_the_dead():
    mine = ProcessName.mine()
    assert ProcessName.parse(str(mine)) == mine
    assert mine.is_here()
    assert mine.lives()
    assert not ProcessName(mine.host, mine.pid, mine.started - 100).lives()
    assert ProcessName.parse("Automatically generated Worker") is None


def test_what_a_worker_is_told_reaches_its_process() -> None:
    told = WorkerSettings(Path("/runs"), ("label", "train"), ("gpu",), True, 1.5e9, 0.25, "campaign.submit:advance")
    assert WorkerSettings.of_arguments(told.arguments()) == told
    assert WorkerSettings.of_arguments(WorkerSettings(Path("/runs")).arguments()) == WorkerSettings(Path("/runs"))


def test_a_slot_takes_only_what_it_can_run(farm, toy_task, envelope, tmp_path):
    made = [replace(envelope(toy_task(value=number)), device=device) for number, device in enumerate(("gpu", "cpu", None))]
    add(farm, made)
    settings = WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=0.5)
    assert Worker(farm, replace(settings, devices=("cpu",))).run() == 2
    assert Worker(farm, replace(settings, devices=("gpu",))).run() == 1


def test_a_record_says_where_it_was_made(farm, toy_task, envelope, tmp_path, monkeypatch):
    given = slots(Hardware(1, ("GPU-a",), 4.0))[0].environment(os.environ)
    for name, value in (given | {"SLURM_JOB_ID": "12"}).items():
        monkeypatch.setenv(name, value)
    task = toy_task(value=1)
    add(farm, [envelope(task)])
    assert slot(tmp_path).wait(60) == 0
    made = farm.outputs.find_one({"uuid": envelope(task).uuid})["metadata"]["made_on"]
    where = {"host": socket.gethostname(), "slot": "0", "device": "GPU-a", "allocation": "slurm:12"}
    assert made == where | {"processor_s": made["processor_s"]}
    assert 0 <= made["processor_s"] < 60
    monkeypatch.setenv("LATTICEFARM_SLOT", "5")
    farm.launchpad.rerun_fw(queued(farm, [task.key])[task.key].fw_id)
    assert slot(tmp_path).wait(60) == 0
    assert farm.outputs.find_one({"uuid": envelope(task).uuid})["metadata"]["made_on"] == made
