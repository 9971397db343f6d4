"""Who is silent has lost its work, whatever the clocks say; who comes back finds it taken, and does no harm."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from fireworks import FWAction, FWorker
from hosts import lose_power, node, wait_for, why_no_hosts, worker
from pymongo.errors import AutoReconnect

from launchers.farm import server_time
from launchers.machines.owner import OwnedJob, Owner
from launchers.queue.claims import add
from launchers.queue.endings import ATTEMPTS
from launchers.queue.launchpad import counts, fizzled, queued
from launchers.queue.locks import rerun
from launchers.queue.processes import Processes, ProcessName, is_left
from launchers.queue.walltime import Stopwatch
from launchers.workers import heartbeats
from launchers.workers.deliveries import WorkersLaunchPad
from launchers.workers.heartbeats import Listener, SlotBeat, beat_for
from launchers.workers.pulse import NodePulse
from launchers.workers.rescue import Reaper
from launchers.workers.spool import Spool

MINE = ProcessName.mine()


def away(number: int = 1) -> ProcessName:
    return ProcessName(f"node{number}", 100 + number, 1)


def check_out(farm, process: ProcessName) -> int:
    farm.launchpad.fireworks.update_many({}, {"$unset": {"spec._rests_until": ""}})
    return farm.launchpad.checkout_fw(FWorker(name=str(process)), "/nowhere")[1]


def run_on(farm, process: ProcessName) -> int:
    """A worker of another host takes the job."""
    launch = check_out(farm, process)
    SlotBeat(farm, process).begins(1, launch)
    return launch


def age(farm, process: ProcessName, seconds: float) -> None:
    beat = server_time(farm) - timedelta(seconds=seconds)
    farm.heartbeats.update_one({"_id": str(process)}, {"$set": {"beat": beat}})


def reaper(farm, **more) -> Reaper:
    """One that need not watch first."""
    found = Reaper(farm, 0, **more)
    found.listener.watch_s = 0.0
    return found


@pytest.fixture
def one_job(farm, toy_task, envelope):
    add(farm, [envelope(toy_task(value=1))])


@pytest.mark.usefixtures("one_job")
def test_who_is_silent_for_two_minutes_has_lost_its_work(farm):
    launch = run_on(farm, away())
    for seconds, rescued in ((0, []), (100, []), (130, [1])):
        age(farm, away(), seconds)
        assert reaper(farm).reap() == rescued
    assert farm.launchpad.launches.find_one({"launch_id": launch})["ended"]["kind"] == "silent"
    assert "_rests_until" not in farm.launchpad.fireworks.find_one({})["spec"]


@pytest.mark.usefixtures("one_job")
def test_work_without_a_heartbeat_is_left_alone(farm):
    check_out(farm, away())  # as by `rlaunch`, or by a worker of an older version
    assert reaper(farm).reap() == []


@pytest.mark.parametrize("offset_h", [-5, 5])
@pytest.mark.usefixtures("one_job")
def test_the_clock_of_a_host_plays_no_part(farm, monkeypatch, offset_h):
    wrong = time.time() + 3600 * offset_h
    monkeypatch.setattr(time, "time", lambda: wrong)

    class Wrong(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(wrong, tz)

    monkeypatch.setattr(heartbeats, "datetime", Wrong)
    run_on(farm, away())
    told = farm.heartbeats.find_one({"_id": str(away())})
    monkeypatch.undo()
    assert all(abs(told[name].replace(tzinfo=UTC) - server_time(farm)) < timedelta(seconds=20) for name in ("beat", "began"))
    assert reaper(farm).reap() == []


@pytest.mark.usefixtures("one_job")
def test_after_an_absence_of_the_database_nobody_is_dead_before_it_was_watched(farm, monkeypatch):
    moment = [1000.0]
    monkeypatch.setattr(heartbeats.time, "monotonic", lambda: moment[0])
    run_on(farm, away())
    listener = Listener(farm)

    def silent_after(seconds: float, heard: float) -> bool:
        moment[0] += seconds
        age(farm, away(), heard) if heard >= 0 else None
        beats = listener.beats()
        return str(away()) in beats and beats[str(away())].silent

    assert not silent_after(0, 200)  # the first look since it is back
    assert not silent_after(20, -1)
    assert silent_after(11, -1)
    assert not silent_after(0, 60)  # it was heard of meanwhile
    assert not silent_after(10, 200)
    assert not silent_after(200, -1)  # nobody looked meanwhile: the database was away again
    assert not silent_after(25, -1)
    assert silent_after(10, -1)


@pytest.mark.usefixtures("one_job")
def test_what_the_scheduler_says_is_gone_is_lost_sooner_but_not_what_still_beats(farm, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "4242")
    run_on(farm, away())
    farm.heartbeats.update_many({}, {"$set": {"cluster": "big", "user": "me"}})
    asked = []

    def gone(allocations):
        asked.append(allocations)
        return allocations

    assert reaper(farm, allocations_gone=gone).reap() == []
    assert asked == []
    age(farm, away(), 60)
    assert reaper(farm).reap() == []
    assert reaper(farm, allocations_gone=lambda _: set()).reap() == []
    assert reaper(farm, allocations_gone=lambda _: 1 / 0).reap() == []
    assert reaper(farm, allocations_gone=gone).reap() == [1]
    assert asked == [{OwnedJob(Owner("slurm", "big", "me"), "4242")}]


@pytest.mark.usefixtures("one_job")
def test_hosts_that_vanish_count_from_the_second_on(farm):
    for number in range(ATTEMPTS + 1):
        run_on(farm, away(number))
        age(farm, away(number), 130)
        assert reaper(farm).reap() == ([1] if number < ATTEMPTS else [])
    assert counts(farm) == {"FIZZLED": 1}
    (given_up,) = fizzled(farm, queued(farm, [one["_id"] for one in farm.work.find()]).values(), failures_only=True)
    assert [(one["host"], one["own"]) for one in given_up.attempts] == [(f"node{n}", n > 0) for n in range(ATTEMPTS + 1)]
    assert given_up.failure["kind"] == "crashed-worker"


@pytest.mark.usefixtures("one_job")
def test_what_a_living_worker_left_behind_is_lost_at_once(farm):
    launch = run_on(farm, MINE)
    assert reaper(farm).reap() == []
    slot = SlotBeat(farm, MINE, launch_id=launch)
    slot.ends()
    assert reaper(farm).reap() == [1]
    assert farm.launchpad.launches.find_one({"launch_id": launch})["ended"]["own"] is False


@pytest.mark.usefixtures("one_job")
def test_one_name_of_two_machines_or_of_two_pid_namespaces(farm):
    """There a dead process has the number that lives here, or the reverse."""
    other = ProcessName(MINE.host, MINE.pid, MINE.started - 1000)
    run_on(farm, other)
    farm.heartbeats.update_one({"_id": str(other)}, {"$set": {"namespace": "pid:[1]"}})
    assert reaper(farm).reap() == []
    age(farm, other, 130)
    assert reaper(farm).reap() == [1]


def test_a_lock_of_another_pid_namespace_is_not_of_a_dead_process():
    dead = ProcessName(MINE.host, MINE.pid, MINE.started - 1000)
    mine = "/".join(Processes.mine())
    assert [is_left(f"word {name} {mine}") for name in (dead, MINE)] == [True, False]
    assert not is_left(f"word {dead} {mine[:-2]}0]")
    assert is_left(f"word {dead}")  # as it was said before
    assert [is_left(f"word {away()} {mine}", gone) for gone in (None, away().host)] == [False, True]


@pytest.mark.usefixtures("one_job")
def test_of_two_that_put_a_launch_back_the_second_does_nothing(farm):
    first = check_out(farm, away(1))
    assert rerun(farm.launchpad, 1, first, 1.0)
    second = check_out(farm, away(2))
    assert not rerun(farm.launchpad, 1, first, 1.0)
    assert not rerun(farm.launchpad, 1, None, 1.0)
    assert farm.launchpad.fireworks.find_one({})["launches"] == [second]
    assert counts(farm) == {"RUNNING": 1}


@pytest.mark.usefixtures("one_job")
@pytest.mark.parametrize("state", ["COMPLETED", "FIZZLED"])
def test_who_comes_back_late_ends_nothing_that_is_not_its_own(farm, tmp_path, state):
    slow = SlotBeat(farm, away(1))
    launchpad = WorkersLaunchPad(farm, Spool(tmp_path), slow, Stopwatch(farm))
    _, first = launchpad.checkout_fw(FWorker(name=str(away(1))), "/nowhere")
    age(farm, away(1), 130)
    assert reaper(farm).reap() == [1]
    second = run_on(farm, away(2))
    before = farm.launchpad.fireworks.find_one({}), list(farm.launchpad.launches.find({}))
    launchpad.complete_launch(first, FWAction(), state)
    launchpad.restore_backup_data(first, 1)
    assert (farm.launchpad.fireworks.find_one({}), list(farm.launchpad.launches.find({}))) == before
    slow.beat()
    assert slow.lost == first
    farm.launchpad.complete_launch(second, FWAction())
    assert counts(farm) == {"COMPLETED": 1}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("one_job")
def test_a_node_beats_for_its_living_slots_alone(farm, monkeypatch):
    monkeypatch.setenv("LATTICEFARM_NODE", str(os.getppid()))
    slots = [SlotBeat(farm, ProcessName(MINE.host, number, 1)) for number in (11, 12)]
    for slot in slots:
        slot.appear()
        age(farm, slot.name, 60)
        slot.beat()  # its node does
    monkeypatch.setattr(os, "getpid", os.getppid)
    beat_for(farm, lambda: [11, 13])
    heard = {one["pid"]: server_time(farm) - one["beat"].replace(tzinfo=UTC) for one in farm.heartbeats.find({})}
    assert heard[11] < timedelta(seconds=20) < timedelta(seconds=50) < heard[12]


def test_a_worker_that_was_paused_finds_its_job_taken(farm, toy_task, envelope, tmp_path):
    task = toy_task(value=1, seconds=5)
    add(farm, [envelope(task)])
    slow = worker(tmp_path / "slow", "slow", "--until-empty")
    try:
        wait_for(lambda: counts(farm) == {"RUNNING": 1} and farm.heartbeats.find_one({"launch_id": 1}))
        time.sleep(0.5)
        os.kill(slow.pid, signal.SIGSTOP)
        looks = Reaper(farm, 1)
        looks.listener.silent_s, looks.listener.watch_s = 2.0, 1.0
        wait_for(looks.reap)
        quick = worker(tmp_path / "quick", "quick", "--until-empty")
        wait_for(lambda: farm.heartbeats.find_one({"host": "quick", "launch_id": 2}))
        os.kill(slow.pid, signal.SIGCONT)
        assert quick.wait(60) == slow.wait(60) == 0
    finally:
        slow.kill()
    assert counts(farm) == {"COMPLETED": 1}
    assert farm.outputs.count_documents({"uuid": envelope(task).uuid}) == 1
    assert "put back meanwhile" in "".join(path.read_text() for path in (tmp_path / "slow").rglob("*.log"))
    assert farm.heartbeats.count_documents({}) == 0  # who ends says so
    states = {one["launch_id"]: one["state"] for one in farm.launchpad.launches.find({})}
    assert states[2] == "COMPLETED"
    assert len(states) == 2


def test_a_worker_in_a_pid_namespace_of_its_own(farm, toy_task, envelope, tmp_path):
    within = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*within, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not make PID namespaces")
    add(farm, [envelope(toy_task(value=1, seconds=3))])
    process = worker(tmp_path, "", "--until-empty", within=within)
    wait_for(lambda: counts(farm) == {"RUNNING": 1} and farm.heartbeats.find_one({"launch_id": 1}))
    told = farm.heartbeats.find_one({})
    assert told["host"] == MINE.host
    assert (told["boot"], told["namespace"]) != tuple(Processes.mine())
    assert reaper(farm).reap() == []
    assert process.wait(60) == 0
    assert counts(farm) == {"COMPLETED": 1}
    assert farm.launchpad.launches.count_documents({}) == 1


@pytest.mark.usefixtures("one_job")
def test_a_node_looks_while_its_slots_are_busy(farm):
    run_on(farm, away())
    age(farm, away(), 130)
    pulse = NodePulse(list, 1.0)
    pulse.once()
    assert counts(farm) == {"RUNNING": 1}  # it has not watched yet
    pulse._opened()[1].listener.watch_s = 0.0
    pulse.once()
    assert counts(farm) == {"READY": 1}


def test_a_node_outlives_an_absence_of_the_database(farm, monkeypatch, capsys):
    beats, failures = [], iter([AutoReconnect("away"), OSError("no")])

    def beat_for(*_):
        if (error := next(failures, None)) is not None:
            raise error
        beats.append(1)

    monkeypatch.setattr("launchers.workers.pulse.beat_for", beat_for)
    monkeypatch.setattr("launchers.workers.pulse.AGAIN_S", 0.1)
    assert farm
    pulse = NodePulse(list, 1.0)
    pulse.start()
    wait_for(lambda: beats)
    pulse.stop()
    assert capsys.readouterr().out.count("no heartbeat") == 1


@pytest.mark.slow
def test_the_job_of_a_host_that_is_killed_runs_again_elsewhere(farm, toy_task, envelope, tmp_path):
    if why := why_no_hosts():
        pytest.skip(why)
    tasks = [toy_task(value=number, seconds=seconds) for number, seconds in enumerate((60, 240))]
    add(farm, [envelope(tasks[0])])
    lost = node(tmp_path / "lost", "lost", 1)
    wait_for(lambda: farm.heartbeats.find_one({"host": "lost", "fw_id": 1}))
    add(farm, [envelope(tasks[1])])
    other = node(tmp_path / "other", "other", 2)
    try:
        wait_for(lambda: farm.heartbeats.find_one({"host": "other", "fw_id": 2}))
        time.sleep(20)  # both beat
        lose_power(lost)
        seconds = wait_for(lambda: farm.heartbeats.find_one({"host": "other", "fw_id": 1}), 150)
        print(f"runs again elsewhere after {seconds:.0f} s")
        assert seconds > 60  # not by chance: nobody of this host looked at its processes
        wait_for(lambda: counts(farm).get("COMPLETED") == 1, 90)
        assert farm.launchpad.launches.count_documents({"fw_id": 2}) == 1
    finally:
        lose_power(other)
    assert farm.outputs.count_documents({"uuid": envelope(tasks[0]).uuid}) == 1


def test_a_namespace_that_is_made_again_is_another():
    """A container that is started again gives its processes the numbers that they had."""
    say = "from launchers.queue.processes import Processes; import os; print(os.getpid(), Processes.mine().namespace)"
    command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", say]
    told = []
    for _ in range(2):
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            pytest.skip(f"no PID namespaces for this user: {answer.stderr.strip()}")
        told.append(answer.stdout.split(maxsplit=1))
        time.sleep(0.05)
    assert [number for number, _ in told] == ["1", "1"]
    assert told[0][1] != told[1][1]
