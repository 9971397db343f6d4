"""Work that harms its worker: tried a few times, then a failure with its history, while other work goes on."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fireworks import FWAction, FWorker

from launchers.machines.slots import Slot
from launchers.queue.claims import add
from launchers.queue.endings import ATTEMPTS, ending_of
from launchers.queue.launchpad import counts, fizzled, queued, to_rescue, withdraw
from launchers.queue.processes import ProcessName
from launchers.workers.heartbeats import SlotBeat
from launchers.workers.node import Node, NodeSettings
from launchers.workers.rescue import Reaper
from launchers.workers.settings import WorkerSettings

MINE = ProcessName.mine()


def dead(number: int) -> ProcessName:
    return ProcessName(MINE.host, MINE.pid, MINE.started - 1000 * number)


def die(farm, number: int) -> int:
    """One worker takes the job and dies of it."""
    farm.launchpad.fireworks.update_many({}, {"$unset": {"spec._rests_until": ""}})
    return farm.launchpad.checkout_fw(FWorker(name=str(dead(number))), "/nowhere")[1]


def fizzle(farm, stacktrace: str, details: dict | None = None) -> int:
    farm.launchpad.fireworks.update_many({}, {"$unset": {"spec._rests_until": ""}})
    launch = farm.launchpad.checkout_fw(FWorker(name=str(MINE)), "/nowhere")[1]
    exception = {"_stacktrace": f"...\n{stacktrace}", "_details": details}
    action = FWAction(stored_data={"_exception": exception}, exit=True)
    farm.launchpad.complete_launch(launch, action, "FIZZLED")
    return launch


@pytest.fixture
def node(tmp_path, monkeypatch):
    monkeypatch.setattr("launchers.workers.node.RESTART_S", 0.1)
    node = Node(NodeSettings([Slot(0, 1, 1.0, ())], WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=0.2)))
    yield node
    node.drain()
    node.wait()


def reason(farm, key: str):
    (found,) = fizzled(farm, queued(farm, [key]).values(), failures_only=True)
    return found


def run(node: Node) -> float:
    began = time.monotonic()
    node.start()
    while node.poll():
        assert time.monotonic() - began < 240
        time.sleep(0.05)
    return time.monotonic() - began


def test_three_harmful_jobs_fail_and_the_others_are_done(farm, toy_task, envelope, node):
    harmful = {harm: toy_task(value=1, harm=harm) for harm in ("process", "memory", "document")}
    harmless = [toy_task(value=number) for number in range(10, 15)]
    add(farm, [envelope(task) for task in (*harmful.values(), *harmless)])
    run(node)
    assert counts(farm) == {"COMPLETED": 5, "FIZZLED": 3}
    killed, memory, document = (reason(farm, task.key) for task in harmful.values())
    assert [one.failure["kind"] for one in (killed, memory, document)] == ["crashed-worker", "gave-up", "too-large"]
    assert [len(one.attempts) for one in (killed, memory, document)] == [3, 3, 0]
    assert len({one["process"] for one in killed.attempts}) == 3  # each took its process with it
    assert {one["host"] for one in (*killed.attempts, *memory.attempts)} == {MINE.host}
    assert all(one["began"] <= one["ended"] for one in (*killed.attempts, *memory.attempts))
    assert all("MemoryError" in one["how"] for one in memory.attempts)
    assert "16 MB" in document.failure["message"]
    assert len(document.failure["message"]) < 400  # not the document itself, which pymongo puts into its message
    assert len(document.traceback) < 20_000
    assert farm.launchpad.launches.count_documents({"fw_id": document.fw_id}) == 1

    keys = [task.key for task in harmful.values()]
    assert sorted(withdraw(farm, keys)) == sorted(keys)  # as `retry` does
    add(farm, [envelope(task) for task in harmful.values()])
    run(node)
    assert counts(farm) == {"COMPLETED": 5, "FIZZLED": 3}
    assert [len(reason(farm, key).attempts) for key in keys] == [3, 3, 0]  # anew, from nothing


def test_the_failure_of_a_job_that_was_given_up_is_a_failure_of_ours(farm, toy_task, envelope):
    from flows.records import Failure

    task = toy_task(value=1)
    add(farm, [envelope(task)])
    for number in range(1, ATTEMPTS + 1):
        die(farm, number)
        Reaper(farm, 0).reap()
    record = Failure.model_validate(reason(farm, task.key).failure)
    assert record.stage == "toy"
    assert record.message.count(f"on {MINE.host}, process {MINE.pid}, from 2") == ATTEMPTS
    assert Reaper(farm, 0).reap() == []
    assert counts(farm) == {"FIZZLED": 1}


def test_what_follows_a_given_up_chunk_is_let_go(farm, toy_task, envelope):
    work = replace(envelope(toy_task(value=1), then="flows.toys:toy"), parts=("a part",))
    add(farm, [work])
    for number in range(1, ATTEMPTS + 1):
        die(farm, number)
        Reaper(farm, 0).reap()
    assert counts(farm) == {"FIZZLED": 1, "READY": 1}


@pytest.mark.parametrize(
    ("stacktrace", "details"),
    [
        ("launchers.worker.Drained", {"machine_trouble": "drained"}),
        ("pymongo.errors.AutoReconnect: gone", None),
        ("pymongo.errors.ServerSelectionTimeoutError: nobody", None),
        ("RuntimeError: Error refreshing workflow. The full stack trace is: ...\npymongo.errors.NetworkTimeout: x", None),
    ],
)
def test_drains_and_an_absent_database_do_not_count(farm, toy_task, envelope, stacktrace, details):
    task = toy_task(value=1)
    add(farm, [envelope(task)])
    for _ in range(2 * ATTEMPTS):
        fizzle(farm, stacktrace, details)
        assert to_rescue(farm, queued(farm, [task.key]).values()) == {task.key}
        assert len(Reaper(farm, 0).reap()) == 1
    assert counts(farm) == {"READY": 1}
    assert "_rests_until" not in farm.launchpad.fireworks.find_one({})["spec"]


def test_a_drain_that_could_not_be_told_does_not_count(farm, toy_task, envelope, tmp_path):
    add(farm, [envelope(toy_task(value=1))])
    (tmp_path / "drained").touch()
    for number in range(1, 2 * ATTEMPTS):
        farm.launchpad.checkout_fw(FWorker(name=str(dead(number))), str(tmp_path))
        assert len(Reaper(farm, 0).reap()) == 1


@pytest.mark.parametrize(
    "stacktrace",
    [
        "OSError: [Errno 28] No space left on device",
        "OSError: [Errno 122] Disk quota exceeded: '/x'",
        "pymongo.errors.OperationFailure: disk full",
        "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8. TiB",
    ],
)
def test_trouble_of_its_own_is_tried_a_few_times(farm, toy_task, envelope, stacktrace):
    task = toy_task(value=1)
    add(farm, [envelope(task)])
    rescued = []
    for _ in range(ATTEMPTS):
        fizzle(farm, stacktrace)
        rescued.append(len(Reaper(farm, 0).reap()))
    assert rescued == [1, 1, 0]
    found = reason(farm, task.key)
    assert found.failure["kind"] == "gave-up"
    assert stacktrace in found.failure["message"]


@pytest.mark.parametrize(
    "line",
    [
        "pymongo.errors.DocumentTooLarge: BSON document too large (17000000 bytes)",
        "pymongo.errors.WriteError: Resulting document after update is larger than 16777216",
        "ValueError: what",
        "FileNotFoundError: [Errno 2] No such file or directory: 'x'",
    ],
)
def test_what_running_again_would_not_cure_is_a_failure_at_once(line):
    assert ending_of({"action": {"stored_data": {"_exception": {"_stacktrace": f"...\n{line}"}}}}) is None


def test_rests_grow_and_are_kept_by_workers_alone(farm, toy_task, envelope, tmp_path):
    from launchers.workers.worker import Worker

    add(farm, [envelope(toy_task(value=1))])
    reaper = Reaper(farm, 30)
    assert [reaper.rest_s(own) for own in (1, 2)] == [30, 120]
    fizzle(farm, "OSError: [Errno 28] No space left on device")
    reaper.reap()
    worker = Worker(farm, WorkerSettings(tmp_path / "runs"))
    assert not farm.launchpad.run_exists(worker.fworker)
    assert farm.launchpad.run_exists(FWorker())
    farm.launchpad.fireworks.update_one({}, {"$set": {"spec._rests_until": time.time() - 1}})
    assert farm.launchpad.run_exists(worker.fworker)


def test_an_attempt_counts_once_whoever_looks_and_wherever_it_is_killed(farm, toy_task, envelope):
    task = toy_task(value=1)
    add(farm, [envelope(task)])

    class KilledError(BaseException):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    for number in range(1, ATTEMPTS):
        launch = die(farm, number)
        first, second = Reaper(farm, 0), Reaper(farm, 60)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("launchers.workers.rescue.rerun", killed)
            with pytest.raises(KilledError):
                first.reap()
        assert farm.launchpad.launches.find_one({"launch_id": launch})["ended"]["kind"] == "killed"
        assert second.reap() == []  # the first may be at it
        assert len(Reaper(farm, 0).reap()) == 1
    die(farm, ATTEMPTS)
    Reaper(farm, 0).reap()
    assert len(reason(farm, task.key).attempts) == ATTEMPTS


def test_launches_of_older_code_do_not_count(farm, toy_task, envelope):
    add(farm, [envelope(toy_task(value=1))])
    for number in range(1, 2 * ATTEMPTS):
        die(farm, number)
        farm.launchpad.rerun_fw(1)  # as older code put it back: no word of how it ended
    die(farm, 100)
    assert Reaper(farm, 0).reap() == [1]


def test_a_launch_that_its_own_worker_has_left_is_put_back(farm, toy_task, envelope):
    add(farm, [envelope(toy_task(value=1))])
    launch = farm.launchpad.checkout_fw(FWorker(name=str(MINE)), "/nowhere")[1]
    assert Reaper(farm, 0).reap() == []
    assert Reaper(farm, 0, MINE).reap() == [1]
    assert farm.launchpad.launches.find_one({"launch_id": launch})["ended"]["own"] is False


def test_a_failure_whose_workflow_was_not_told_stays_a_failure(farm, toy_task, envelope):
    """Killed between the two writes with which FireWorks ends a launch."""
    task = toy_task(value=1)
    add(farm, [envelope(task)])
    launch = die(farm, 1)
    told = {"_stacktrace": "...\nValueError: what", "_details": None}
    done = {"state": "FIZZLED", "action": FWAction(stored_data={"_exception": told}, exit=True).to_dict()}
    farm.launchpad.launches.update_one({"launch_id": launch}, {"$set": done})
    assert Reaper(farm, 0).reap() == []
    assert Reaper(farm, 0).reap() == []
    assert reason(farm, task.key).failure["message"] == "ValueError: what"


def test_only_a_person_has_the_work_of_another_host_put_back(farm, toy_task, envelope):
    add(farm, [envelope(toy_task(value=1))])
    launch = farm.launchpad.checkout_fw(FWorker(name="node7:4242:1"), "/nowhere")[1]
    reaper = Reaper(farm, 0)
    assert reaper.reap() == reaper.rescue("node8") == []
    assert reaper.rescue("node7") == [1]
    assert farm.launchpad.launches.find_one({"launch_id": launch})["ended"]["own"] is False
    assert counts(farm) == {"READY": 1}
    farm.launchpad.checkout_fw(FWorker(name=str(MINE)), "/nowhere")
    assert reaper.rescue(MINE.host) == []  # of this host it is known: it lives
    assert counts(farm) == {"RUNNING": 1}


@pytest.mark.parametrize(("kills", "expected"), [((7, 7), "killed"), ((7, 8), "out-of-memory")])
def test_a_kill_for_want_of_memory_is_told_from_another(farm, toy_task, envelope, monkeypatch, kills, expected):
    """By what the machine counts between the last heartbeat and the end."""
    at_beat, at_end = kills
    monkeypatch.setattr("launchers.workers.heartbeats.oom_kills", lambda: at_beat)
    add(farm, [envelope(toy_task(value=1))])
    SlotBeat(farm, dead(1)).appear()
    die(farm, 1)
    monkeypatch.setattr("launchers.workers.heartbeats.oom_kills", lambda: at_end)
    assert Reaper(farm, patience_s=0.0).reap() == [1]
    assert farm.launchpad.launches.find_one({"launch_id": 1})["ended"]["kind"] == expected


@pytest.fixture
def narrow_cgroup():
    """The folder of a cgroup whose processes have 400 MB of memory together."""
    for root, limit in ((Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"), (Path("/sys/fs/cgroup"), "memory.max")):
        folder = root / f"latticefarm-test-{os.getpid()}"
        try:
            folder.mkdir()
            (folder / limit).write_text("400000000")
        except OSError:
            if folder.is_dir():
                folder.rmdir()
            continue
        yield folder
        folder.rmdir()
        return
    pytest.skip("needs to make a cgroup with a limit of memory: run as root, where the memory controller is")


def test_the_kernel_kills_a_worker_for_want_of_memory(farm, toy_task, envelope, node, narrow_cgroup):
    """The next worker is not in that cgroup, and has enough."""
    add(farm, [envelope(toy_task(value=1, seconds=2, harm="hunger"))])
    node.start()
    end = time.monotonic() + 60
    while not farm.heartbeats.find_one({"launch_id": {"$exists": True}}):
        assert time.monotonic() < end
        time.sleep(0.05)
    (narrow_cgroup / "cgroup.procs").write_text(str(node.processes[0]))
    while node.poll():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert counts(farm) == {"COMPLETED": 1}
    ended = farm.launchpad.launches.find_one({"launch_id": 1})["ended"]
    assert ended["kind"] == "out-of-memory"
    assert "killed for want of memory" in ended["words"]
