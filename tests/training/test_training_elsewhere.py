"""A training goes on where no disk is shared: another directory, the same database, the weights of an undisturbed run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jobflow import JobStore
from training_toys import task_of

from flows import depot
from flows.checkpoints import directory_of
from flows.keys import job_uuid
from flows.leftovers import sweep_delivered
from flows.records import TrainedModel
from flows.training.checkpoints import Checkpoints
from flows.training.jobs import train
from launchers.envelopes import Envelope
from launchers.queue.claims import add

TASK = task_of("dft_ef", "dft")
IGNORED = "of another run, or of other packages"

KILLED = """
import os, signal, sys, time, torch
sys.path.insert(0, {tests!r})
torch.set_num_threads(1)
from training_toys import task_of
from flows.depot import Depot
from flows.keys import job_uuid
from flows.training.checkpoints import Checkpoints
from flows.training.jobs import train
from launchers.database import ladder
from launchers.farm import Farm

store = Farm.open(ladder.running()).store
task = task_of("dft_ef", "dft")
write = Checkpoints._write

def killed(self, path, content):
    if "000003" in path.name:
        while [one.about["rank"] for one in Depot(task.key, store.additional_stores["checkpoints"]).listed()] != [2]:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, path, content)

Checkpoints._write = killed
job = train(task)
job.set_uuid(job_uuid(task.key))
job.run(store=store)
"""


class Interrupted(BaseException):
    """What a drain raises."""


@pytest.fixture
def host(farm, labels, monkeypatch, tmp_path):
    """Makes this process another host, whose disk is empty; the labels are in the database."""
    farm.store_records({job_uuid(key): label.model_dump(mode="json") for key, label in labels.items()}, "label")
    monkeypatch.delenv("LATTICEFARM_CHECKPOINTS", raising=False)

    def be(name: str) -> Path:
        monkeypatch.setenv("LATTICEFARM_HOME", str(tmp_path / name))
        return tmp_path / name

    be("a")
    return be


def run(store: JobStore) -> TrainedModel:
    job = train(TASK)
    job.set_uuid(job_uuid(TASK.key))
    job.run(store=store)
    return TrainedModel.model_validate(store.query_one({"uuid": job_uuid(TASK.key)}, load=True)["output"])


def run_until_interrupted(store: JobStore, monkeypatch: pytest.MonkeyPatch, epoch: int = 3) -> None:
    """A drain while the checkpoint of that epoch is written; nothing has been carried before."""
    write = Checkpoints._write

    def interrupted(self, path, content):
        if f"{epoch:06d}" in path.name:
            raise Interrupted
        write(self, path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "_write", interrupted)
        with pytest.raises(Interrupted):
            run(store)


def epochs(farm) -> list[int]:
    stowed = depot.Depot(TASK.key, farm.store.additional_stores["checkpoints"]).listed()
    return [one.about["rank"] for one in stowed]


def same(model: TrainedModel, undisturbed: TrainedModel) -> bool:
    names = ("weights_sha256", "learning_curve", "predictions_eV", "errors")
    return all(getattr(model, name) == getattr(undisturbed, name) for name in names)


def test_a_training_that_is_killed_goes_on_on_another_host(farm, host, base_model):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "LATTICEFARM_MONGO_URI": farm.store.docs_store.uri}
    environment |= {"LATTICEFARM_CHECKPOINT_INTERVAL_S": "0.05", "LATTICEFARM_HOME": str(host("a"))}
    script = KILLED.format(tests=str(Path(__file__).parent))
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", script], env=environment, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()[-2000:]

    host("b")
    model = run(farm.store)
    assert model.resumed_from_epochs == (2,)
    assert model.ignored_checkpoints == ()
    assert same(model, base_model)

    sweep_delivered(farm.store)
    assert depot.keys_in(farm.store) == set()
    assert not directory_of(TASK.key).exists()
    host("a")
    assert directory_of(TASK.key).exists()
    sweep_delivered(farm.store)  # by whoever works there next
    assert not directory_of(TASK.key).exists()


def test_a_drain_carries_the_newest_whole_one(farm, host, monkeypatch, base_model, capsys):
    run_until_interrupted(farm.store, monkeypatch, 2)
    assert epochs(farm) == [1]
    host("b")
    run_until_interrupted(farm.store, monkeypatch, 4)
    assert epochs(farm) == [3]
    host("c")
    with monkeypatch.context() as patch:  # drained before an epoch is over: what is there stays
        patch.setattr("flows.training.mace._Training.run_epoch", interrupt)
        with pytest.raises(Interrupted):
            run(farm.store)
    assert epochs(farm) == [3]
    host("b")  # the same epoch lies here and there
    with monkeypatch.context() as patch:
        patch.setattr("flows.training.mace._Training.run_epoch", interrupt)
        with pytest.raises(Interrupted):
            run(farm.store)
    assert epochs(farm) == [3]  # and is not carried again
    model = run(farm.store)
    assert model.resumed_from_epochs == (1, 3)
    assert same(model, base_model)
    assert "ignored" not in capsys.readouterr().out


def slot(farm, place: Path, *more: str) -> subprocess.Popen:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "LATTICEFARM_MONGO_URI": farm.store.docs_store.uri}
    command = [sys.executable, "-W", "ignore", "-m", "launchers.workers.slot", "--run-root", str(place / "runs"), *more]
    return subprocess.Popen(command, env=environment | {"LATTICEFARM_HOME": str(place)}, start_new_session=True)


@pytest.mark.slow
def test_a_worker_that_drains_hands_its_training_to_one_on_another_host(farm, host, trained):
    task = task_of("dft_ef", "dft", max_epochs=60)

    def seal():
        job = train(task)
        job.set_uuid(job_uuid(task.key))
        return job

    about = {"stage": "train", "system": "toy", "model": task.model, "seed": task.seed, "size": "full"}
    add(farm, [Envelope(task.key, job_uuid(task.key), "train", "train", about, seal)])
    place = host("a")
    worker = slot(farm, place)
    try:
        wait_for(lambda: len(list(directory_of(task.key).glob("epoch-*.checkpoint"))) > 1)
        worker.terminate()
        assert worker.wait(30) == 0
    finally:
        worker.kill()
    (epoch,) = epochs(farm)
    assert f"epoch-{epoch:06d}" == max(path.name for path in directory_of(task.key).iterdir())[:12]

    assert slot(farm, host("b"), "--until-empty").wait(300) == 0
    model = TrainedModel.model_validate(farm.records([job_uuid(task.key)], blobs=True)[job_uuid(task.key)])
    assert model.resumed_from_epochs == (epoch,)
    assert same(model, trained(task))


def wait_for(what, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def interrupt(_: object) -> None:
    raise Interrupted


@pytest.mark.slow
def test_a_disk_that_is_further_than_the_database_goes_on_and_is_carried(farm, host, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("LATTICEFARM_CHECKPOINT_INTERVAL_S", "0")
        run_until_interrupted(farm.store, monkeypatch)
    assert epochs(farm) == []
    with monkeypatch.context() as patch:
        patch.setattr("flows.training.mace._Training.run_epoch", interrupt)
        with pytest.raises(Interrupted):
            run(farm.store)
    assert epochs(farm) == [2]
    host("b")
    assert run(farm.store).resumed_from_epochs == (2,)


def test_a_damaged_one_is_ignored_and_named(farm, host, monkeypatch, base_model, capsys):
    run_until_interrupted(farm.store, monkeypatch)
    chunks = farm.launchpad.db["checkpoints.chunks"]
    chunk = chunks.find_one()
    chunks.update_one({"_id": chunk["_id"]}, {"$set": {"data": chunk["data"][:-1] + b"?"}})
    host("b")
    model = run(farm.store)
    assert model.resumed_from_epochs == ()
    assert model.ignored_checkpoints == ("epoch 2 in the database: damaged",)
    assert "checkpoint ignored: epoch 2 in the database: damaged" in capsys.readouterr().out
    assert same(model, base_model)


@pytest.mark.slow
def test_those_of_other_packages_are_named_and_kept_for_them(farm, host, monkeypatch, base_model, capsys):
    with monkeypatch.context() as other:
        other.setattr("flows.training.mace.versions", lambda: {"torch": "another build"})
        run_until_interrupted(farm.store, monkeypatch, 4)
    run_until_interrupted(farm.store, monkeypatch, 3)
    assert sorted(epochs(farm)) == [2, 3]
    named = [f"epoch {epoch} {where}: {IGNORED}" for epoch, where in ((3, "on disk"), (2, "on disk"))]
    assert f"checkpoint ignored: {named[0]}" in capsys.readouterr().out

    host("b")
    with monkeypatch.context() as other:  # its own, though it is on no disk here, and further than ours
        other.setattr("flows.training.mace.versions", lambda: {"torch": "another build"})
        run_until_interrupted(farm.store, monkeypatch, 4)
    assert sorted(epochs(farm)) == [2, 3]

    host("a")
    model = run(farm.store)
    assert model.resumed_from_epochs == (2,)
    assert set(named) | {f"epoch 3 in the database: {IGNORED}"} == set(model.ignored_checkpoints)
    assert same(model, base_model)


@pytest.mark.slow
@pytest.mark.usefixtures("host")
def test_files_of_former_versions_are_gone_on_from(farm, monkeypatch, base_model):
    run_until_interrupted(farm.store, monkeypatch)
    for path in directory_of(TASK.key).iterdir():
        path.rename(path.with_name(path.name.rpartition("-")[0] + ".checkpoint"))
    depot.Depot(TASK.key, farm.store.additional_stores["checkpoints"]).clear()
    model = run(farm.store)
    assert model.resumed_from_epochs == (2,)
    assert same(model, base_model)


@pytest.mark.slow
def test_a_folder_that_all_see_needs_no_copies(farm, host, monkeypatch, tmp_path):
    monkeypatch.setenv("LATTICEFARM_CHECKPOINTS", str(tmp_path / "shared"))
    run_until_interrupted(farm.store, monkeypatch)
    assert depot.keys_in(farm.store) == set()
    host("b")
    assert run(farm.store).resumed_from_epochs == (2,)


@pytest.mark.slow
@pytest.mark.usefixtures("host")
def test_an_environment_of_former_versions_has_checkpoints_on_disk_alone(farm, monkeypatch, base_model):
    """`jobflow.yaml` as it was written before there was a store for checkpoints."""
    from launchers.database import ladder

    settings = ladder.Database("given", farm.store.docs_store.uri, farm.launchpad.name)._store_settings()
    del settings["additional_stores"]["checkpoints"]
    store = JobStore.from_dict_spec(settings)
    store.connect()
    run_until_interrupted(store, monkeypatch)
    assert depot.keys_in(farm.store) == set()
    model = run(store)
    assert model.resumed_from_epochs == (2,)
    assert same(model, base_model)


@pytest.mark.usefixtures("host")
def test_a_training_that_diverges_leaves_nothing(farm, monkeypatch):
    from flows.failure import CalculationFailed

    run_until_interrupted(farm.store, monkeypatch)

    def diverged(self):
        raise self._diverged(float("nan"))

    monkeypatch.setattr("flows.training.mace._Training.run_epoch", diverged)
    with pytest.raises(CalculationFailed):
        run(farm.store)
    assert epochs(farm) == []
    assert not directory_of(TASK.key).exists()
