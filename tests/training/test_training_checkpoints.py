"""A training that is killed goes on, exactly, and says so; damage costs an epoch; a full disk is no science."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training_toys import task_of

from flows.failure import MachineTrouble
from flows.training.checkpoints import Checkpoints, checkpoints_of, keys_with_checkpoints
from flows.training.outcome import trained_model

KILLED = """
import os, signal, sys, torch
from pathlib import Path
sys.path.insert(0, {tests!r})
torch.set_num_threads(1)
from training_toys import base_calculator, labels_of, task_of
from flows.training.checkpoints import Checkpoints
from flows.training.outcome import trained_model

class Killed(Checkpoints):
    def _write(self, path, content):
        if "000003" in path.name:  # in the middle of the third checkpoint
            path.with_suffix(".unfinished").write_bytes(content[:1000])
            os.kill(os.getpid(), signal.SIGKILL)
        super()._write(path, content)

labels = labels_of("dft", base_calculator(), forces=True)
trained_model(task_of("dft_ef", "dft"), labels, Killed(Path({directory!r})))
"""


def test_a_killed_training_resumes_and_ends_as_if_undisturbed(labels, base_model, tmp_path):
    script = KILLED.format(tests=str(Path(__file__).parent), directory=str(tmp_path / "killed"))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "5"}
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], env=environment, capture_output=True
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()[-2000:]

    model = trained_model(task_of("dft_ef", "dft"), labels, Checkpoints(tmp_path / "killed"))

    assert model.resumed_from_epochs == (2,)
    assert model.weights_sha256 == base_model.weights_sha256
    assert model.learning_curve == base_model.learning_curve
    assert model.predictions_eV == base_model.predictions_eV


def test_a_kill_between_the_last_epoch_and_the_record_costs_no_epoch(labels, tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path / "done")
    first = trained_model(task_of("dft_e", "dft", max_epochs=2), labels, checkpoints)
    monkeypatch.setattr(
        "flows.training.mace._Training.run_epoch", lambda _: pytest.fail("ran an epoch again")
    )
    again = trained_model(task_of("dft_e", "dft", max_epochs=2), labels, checkpoints)

    assert again.weights_sha256 == first.weights_sha256
    assert again.resumed_from_epochs == (2,)


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path, damage):
    checkpoints = filled(tmp_path / "c", 3)
    (newest,) = (tmp_path / "c").glob("epoch-000003-*.checkpoint")
    newest.write_bytes(newest.read_bytes()[:-1] if damage is None else damage)

    assert checkpoints.load("me")["epoch"] == 2


def test_two_damaged_checkpoints_are_a_start_from_zero(tmp_path):
    checkpoints = filled(tmp_path / "c", 3)
    for path in (tmp_path / "c").iterdir():
        path.write_bytes(b"\0" * 50)

    assert checkpoints.load("me") is None


def test_only_two_are_kept_and_only_for_their_own_training(tmp_path):
    checkpoints = filled(tmp_path / "c", 5)

    assert sorted(path.name.rpartition("-")[0] for path in (tmp_path / "c").iterdir()) == ["epoch-000004", "epoch-000005"]
    assert checkpoints.load("another training") is None
    checkpoints.clear()
    assert not (tmp_path / "c").exists()


def test_a_full_disk_is_trouble_of_the_machine_and_keeps_what_was_there(tmp_path, monkeypatch):
    checkpoints = filled(tmp_path / "c", 2)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(MachineTrouble, match="No space left"):
        checkpoints.save(3, {"belongs_to": "me", "epoch": 3})

    assert checkpoints.load("me")["epoch"] == 2
    assert not list((tmp_path / "c").glob("*.unfinished"))


def test_where_checkpoints_live(tmp_path, monkeypatch):
    monkeypatch.setenv("LATTICEFARM_CHECKPOINTS", str(tmp_path / "elsewhere"))
    assert checkpoints_of("abc").directory == tmp_path / "elsewhere" / "abc"
    assert keys_with_checkpoints() == []
    filled(tmp_path / "elsewhere" / "abc", 1)
    assert keys_with_checkpoints() == ["abc"]

    monkeypatch.delenv("LATTICEFARM_CHECKPOINTS")
    monkeypatch.setenv("LATTICEFARM_HOME", str(tmp_path / "home"))
    assert checkpoints_of("abc").directory == tmp_path / "home" / "checkpoints" / "abc"


def filled(directory: Path, epochs: int) -> Checkpoints:
    checkpoints = Checkpoints(directory)
    for epoch in range(1, epochs + 1):
        checkpoints.save(epoch, {"belongs_to": "me", "epoch": epoch, "weights": torch.ones(3) * epoch})
    return checkpoints
