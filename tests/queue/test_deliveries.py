"""What is finished while the database is away reaches it once, whoever lives by then."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from ase.build import bulk
from fireworks import FWAction, FWorker
from hosts import wait_for, worker

from flows.keys import digest, job_uuid
from flows.labelling.engines.ase.settings import ASESettings
from flows.labelling.engines.task import LabelItem, LabelTask
from flows.labelling.jobs import label
from flows.records import Structure
from launchers.database import ladder
from launchers.envelopes import Envelope
from launchers.farm import server_time
from launchers.queue.claims import add
from launchers.queue.launchpad import counts
from launchers.queue.processes import ProcessName
from launchers.queue.walltime import Stopwatch
from launchers.transfer import blobs
from launchers.workers.deliveries import Leftovers, PatientStore, WorkersLaunchPad
from launchers.workers.heartbeats import SlotBeat
from launchers.workers.rescue import Reaper
from launchers.workers.spool import DamagedError, Spool, read

MINE = ProcessName.mine()


@pytest.fixture
def spool(farm) -> Spool:
    return Spool.of(farm.identity)


@pytest.fixture
def patient(farm, spool) -> PatientStore:
    return PatientStore(farm.store, spool, SlotBeat(farm, MINE))


def record(key: str, content: str) -> dict:
    output = {"key": key, "blob": {"base64": content}}
    return {"uuid": job_uuid(key), "index": 1, "output": output, "completed_at": "", "metadata": {}, "hosts": [], "name": "x"}


def files(farm) -> int:
    return farm.launchpad.db["blobs.files"].count_documents({})


def test_the_first_record_of_a_key_stays_with_its_file(farm, patient):
    for content in ("first", "second"):
        patient.update(record("a", content), save={"blobs": "blob"})
        found = farm.records([job_uuid("a")], blobs=True)[job_uuid("a")]
        assert found["blob"]["base64"] == "first"
    assert farm.outputs.count_documents({}) == files(farm) == 1


def test_of_two_that_store_a_record_at_once_one_does(farm, patient, monkeypatch):
    """The other had looked, and found none."""
    records, find_one = farm.outputs, farm.outputs.find_one
    answers = iter([None, None])
    monkeypatch.setattr(records, "find_one", lambda *query, **more: (next(answers, False) and None) or find_one(*query, **more))
    for content in ("first", "second"):
        patient.update(record("a", content), save={"blobs": "blob"})
    monkeypatch.undo()
    assert farm.records([job_uuid("a")], blobs=True)[job_uuid("a")]["blob"]["base64"] == "first"
    assert blobs(farm, [job_uuid("a"), job_uuid("b")])[job_uuid("a")]["base64"] == "first"
    assert files(farm) == 1


def test_what_other_flows_store_is_replaced_as_jobflow_does(farm, patient):
    other = {**record("a", "first"), "uuid": "24443573-11af-4371-b821-31589f31928d"}
    patient.update(other)
    patient.update({**other, "name": "again"})
    assert [one["name"] for one in farm.outputs.find({})] == ["again"]


class Absence:
    """A database that is away the first times that it is asked."""

    def __init__(self, action: Callable, times: int = 2) -> None:
        self.action, self.times, self.kept = action, times, []

    def __call__(self, *given, **more):
        from pymongo.errors import AutoReconnect

        if self.times:
            self.times -= 1
            raise AutoReconnect("away")
        return self.action(*given, **more)


@pytest.fixture
def no_pause(monkeypatch) -> None:
    monkeypatch.setattr("launchers.workers.deliveries.PAUSE_S", 0.0)


@pytest.mark.usefixtures("no_pause")
def test_a_record_is_on_disk_before_the_database_is_waited_for(farm, patient, spool, monkeypatch):
    seen: list[dict] = []

    def look(*_: object) -> None:
        seen.extend(map(read, spool.directory.glob("*.spool")))

    monkeypatch.setattr("launchers.workers.deliveries.sleep", look)
    monkeypatch.setattr(farm.outputs, "find_one", Absence(farm.outputs.find_one))
    patient.update(record("a", "first"), save={"blobs": "blob"})
    assert [one["records"][0]["output"]["key"] for one in seen] == ["a", "a"]
    assert seen[0]["blobs"]["blobs"][0]["data"] == {"base64": "first"}
    assert list(spool.directory.iterdir()) == []
    assert farm.outputs.count_documents({}) == 1


@pytest.mark.usefixtures("no_pause")
def test_a_launch_ends_when_the_database_is_back(farm, spool, toy_task, envelope, monkeypatch):
    add(farm, [envelope(toy_task(value=1), then="flows.toys:toy")])
    launchpad = WorkersLaunchPad(farm, spool, SlotBeat(farm, MINE), Stopwatch(farm))
    _, launch = launchpad.checkout_fw(FWorker(name=str(MINE)), "/nowhere")
    monkeypatch.setattr(farm.launchpad.workflows, "find_one_and_replace", Absence(farm.launchpad.workflows.find_one_and_replace))
    monkeypatch.setattr("launchers.queue.locks.PatientLock.patience_s", 0.1)
    from launchers.queue.locks import patient_locks

    with patient_locks(0.1):
        launchpad.complete_launch(launch, FWAction())
    assert counts(farm) == {"COMPLETED": 1, "READY": 1}


def of_the_dead(content: dict) -> dict:
    return {**content, "writer": f"{MINE.host}:{MINE.pid}:{MINE.started - 1000}"}


@pytest.fixture
def dead(monkeypatch) -> Callable[[], None]:
    """From now on, what is kept is kept by a process that has died."""
    import launchers.workers.spool

    before = launchers.workers.spool._writer
    return lambda: monkeypatch.setattr(launchers.workers.spool, "_writer", lambda: of_the_dead(before()))


def test_leftovers_are_delivered_once_by_whoever_comes(farm, spool, dead):
    content = {"records": [record("a", "first")], "blobs": {}, "launch_id": 1}
    spool.keep(content)
    assert Leftovers(farm, spool).deliver() == 0  # its writer lives, and does so itself
    dead()
    first, second = spool.keep(content), spool.keep(content)
    assert Leftovers(farm, spool).deliver() == 2
    assert not first.exists()
    assert not second.exists()
    assert farm.outputs.count_documents({}) == 1
    assert Spool.of("another-database").directory != spool.directory


def test_what_a_host_that_shares_the_folder_keeps_is_left_to_it_while_it_lives(farm, spool, monkeypatch):
    import launchers.workers.spool

    before = launchers.workers.spool._writer
    elsewhere = {"writer": "node7:17:1", "boot": "another"}
    monkeypatch.setattr(launchers.workers.spool, "_writer", lambda: {**before(), **elsewhere})
    spool.keep({"records": [record("a", "first")], "blobs": {}, "launch_id": 1})
    SlotBeat(farm, ProcessName("node7", 17, 1)).appear()
    assert Leftovers(farm, spool).deliver() == 0
    farm.heartbeats.update_one({}, {"$set": {"beat": server_time(farm) - timedelta(seconds=130)}})
    assert Leftovers(farm, spool).deliver() == 1


def test_what_cannot_be_kept_waits_in_memory(spool, capsys):
    assert spool.keep({"records": [{"number": 2**70}]}) is None
    assert "waits in memory alone" in capsys.readouterr().out


def test_a_damaged_file_is_named_and_set_aside(farm, spool, dead, capsys):
    dead()
    damaged = spool.keep({"records": [record("a", "first")], "blobs": {}, "launch_id": 1})
    damaged.write_bytes(damaged.read_bytes()[:-3] + b"xyz")
    with pytest.raises(DamagedError):
        read(damaged)
    spool.keep({"records": [record("b", "first")], "blobs": {}, "launch_id": 1})
    assert Leftovers(farm, spool).deliver() == 1
    assert str(damaged) in capsys.readouterr().out
    assert damaged.with_suffix(".damaged").exists()
    assert [one["output"]["key"] for one in farm.outputs.find({})] == ["b"]


def test_a_full_disk_costs_the_copy_and_not_the_record(farm, tmp_path, capsys):
    (tmp_path / "file").touch()
    spool = Spool(tmp_path / "file" / "spool")
    patient = PatientStore(farm.store, spool, SlotBeat(farm, MINE))
    farm.outputs.find_one, before = Absence(farm.outputs.find_one, 1), farm.outputs.find_one
    patient.update(record("a", "first"))
    farm.outputs.find_one = before
    assert "waits in memory alone" in capsys.readouterr().out
    assert farm.outputs.count_documents({}) == 1


@pytest.mark.parametrize(("rescued", "state"), [(False, "COMPLETED"), (True, "READY")])
def test_the_end_of_a_launch_that_was_kept(farm, spool, toy_task, envelope, dead, rescued, state):
    add(farm, [envelope(toy_task(value=1))])
    writer = of_the_dead({})["writer"]
    launch = farm.launchpad.checkout_fw(FWorker(name=writer), "/nowhere")[1]
    dead()
    spool.keep({"launch_id": launch, "action": FWAction().to_dict(), "state": "COMPLETED"})
    if rescued:
        assert Reaper(farm, 0).reap() == [1]
    assert Leftovers(farm, spool).deliver() == 1
    assert counts(farm) == {state: 1}


@pytest.fixture
def server() -> Iterator[Callable[[], int]]:
    """The process of the database, which a test may stop and kill."""
    if not ladder.status().get("process"):
        pytest.skip("the database is not one of ours to stop")
    yield lambda: ladder.status()["process"]
    ladder.start()


def seconds_of(launch: dict) -> float:
    moments = [datetime.fromisoformat(str(one["created_on"])) for one in launch["state_history"]]
    return (moments[-1] - moments[0]).total_seconds()


def absence(farm, toy_task, envelope, directory: Path, server: int, how: str, seconds: float) -> None:
    """Two workers' jobs end while the database is away, one of the workers is killed, and another one comes."""
    tasks = [toy_task(value=number, seconds=8) for number in range(2)]
    add(farm, [envelope(task) for task in tasks])
    workers = [worker(directory / str(number), "", "--until-empty") for number in range(2)]
    wait_for(lambda: counts(farm) == {"RUNNING": 2} and farm.heartbeats.count_documents({"launch_id": {"$exists": True}}) == 2)
    killed = farm.launchpad.launches.find_one({"fworker.name": {"$regex": f":{workers[0].pid}:"}})["fw_id"]
    time.sleep(3)  # they have read what they need
    os.kill(server, signal.SIGSTOP if how == "stopped" else signal.SIGKILL)
    spool = Spool.of(identity_of(farm))
    try:
        wait_for(lambda: len(list(spool.directory.glob("*.spool"))) == 2, 40)
        time.sleep(seconds)
        workers[0].kill()
        workers[0].wait()
        assert workers[1].poll() is None
    finally:
        os.kill(server, signal.SIGCONT) if how == "stopped" else ladder.start()
    third = worker(directory / "third", "", "--until-empty")
    assert third.wait(90) == workers[1].wait(90) == 0
    assert counts(farm) == {"COMPLETED": 2}
    assert farm.outputs.count_documents({}) == 2
    assert list(spool.directory.iterdir()) == []
    launches = sorted(farm.launchpad.launches.find({}), key=lambda one: one["launch_id"])
    again = [one for one in launches if one["launch_id"] > 2]
    assert [one["fw_id"] for one in again] in ([killed], [])
    assert all(seconds_of(one) < 7 for one in again)  # not computed again: that takes 8 s
    assert all("ended" not in one or one["ended"]["kind"] == "delivered" for one in launches)


def identity_of(farm) -> str:
    """Known beforehand: the database may be away."""
    return IDENTITIES[farm.launchpad.name]


IDENTITIES: dict[str, str] = {}


@pytest.fixture(autouse=True)
def known_identity(farm) -> None:
    IDENTITIES[farm.launchpad.name] = farm.identity


@pytest.mark.parametrize("how", ["stopped", pytest.param("killed", marks=pytest.mark.slow)])
def test_the_database_is_away_while_jobs_end(farm, toy_task, envelope, tmp_path, server, how):
    absence(farm, toy_task, envelope, tmp_path, server(), how, 1)


CALCULATOR = """
import pathlib, time
from ase.calculators.emt import EMT

class Counting(EMT):
    def calculate(self, *given, **more):
        super().calculate(*given, **more)
        time.sleep(1.0)
        with pathlib.Path(__file__).with_name("count").open("a") as file:
            file.write("x")
"""


@pytest.mark.slow
def test_labels_found_while_the_database_is_away_are_stored_and_not_computed_again(farm, tmp_path, server, monkeypatch):
    """Killed besides: what was found then waits on the disk."""
    (tmp_path / "counting.py").write_text(CALCULATOR)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    items = [LabelItem(structure=Structure.from_atoms(bulk("Cu", a=3.5 + 0.01 * one)), levels={"dft": True}) for one in range(6)]
    task = LabelTask(key=digest("chunk", 1), system="copper", engine=ASESettings(calculator="counting:Counting"), items=tuple(items))

    def seal() -> object:
        job = label(task)
        job.set_uuid(job_uuid(task.key))
        return job

    add(farm, [Envelope(task.key, job_uuid(task.key), "labels", "label", {"stage": "label"}, seal)])
    first = worker(tmp_path / "first", "", "--until-empty")
    wait_for(lambda: farm.outputs.count_documents({}) >= 2)
    os.kill(server(), signal.SIGKILL)
    spool = Spool.of(identity_of(farm))
    wait_for(lambda: list(spool.directory.glob("*.spool")), 40)
    time.sleep(5)
    first.kill()
    first.wait()
    found = len((tmp_path / "count").read_text())
    assert found < 6
    ladder.start()
    assert worker(tmp_path / "second", "", "--until-empty").wait(90) == 0
    assert counts(farm) == {"COMPLETED": 1}
    assert farm.outputs.count_documents({}) == 7
    assert len((tmp_path / "count").read_text()) == 6
    assert list(spool.directory.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_the_database_is_away_for_three_minutes(farm, toy_task, envelope, tmp_path, server, how):
    absence(farm, toy_task, envelope, tmp_path, server(), how, 180)
