"""An allocation that is extended, or made shorter, while its workers are at work: they stop when it ends now."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest

from launchers.machines.answers import Unanswered
from launchers.queue.claims import add
from launchers.queue.launchpad import counts
from launchers.workers.deadline import Deadline, deadline_file, told
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Worker


class Site:
    """A scheduler that says what it is told to."""

    answer: float | None = None

    def __call__(self) -> float | None:
        if self.answer == 0.0:
            raise Unanswered("it does not answer")
        return self.answer


def test_what_is_asked_anew_is_told_and_no_answer_changes_nothing(tmp_path):
    site, path = Site(), deadline_file(tmp_path, 42)
    deadline = Deadline(1000.0, site, path)
    for site.answer, known in ((1000.4, None), (0.0, None), (None, None), (2000.0, 2000.0), (0.0, 2000.0), (None, 2000.0), (500.0, 500.0)):
        deadline.look()
        assert told(path) == known
        assert deadline.moment == (known or 1000.0)
    deadline.stop()
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_not_known_may_be_later(tmp_path):
    site, path = Site(), deadline_file(tmp_path, 42)
    path.write_text("5\n")  # of a process that had this number
    deadline = Deadline(None, site, path)
    deadline.start()
    assert told(path) is None
    site.answer = 7.0
    deadline.look()
    assert told(path) == 7.0
    deadline.stop()


@pytest.fixture
def settings(tmp_path, monkeypatch) -> WorkerSettings:
    """Of a slot whose node is the parent of this process."""
    monkeypatch.setenv("LATTICEFARM_NODE", str(os.getppid()))
    monkeypatch.setattr("launchers.workers.pulse.BEAT_S", 0.3)
    (tmp_path / "runs").mkdir()
    return WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=0.5)


def tell(root: Path, moment: float) -> None:
    deadline_file(root, os.getppid()).write_text(f"{moment}\n")


def test_a_worker_goes_on_with_what_it_has_in_hand(farm, toy_task, envelope, settings):
    add(farm, [envelope(toy_task(value=1, seconds=15))])
    Timer(2.0, tell, (settings.run_root, time.time() + 600)).start()
    assert Worker(farm, replace(settings, deadline=time.time() + 12)).run() == 1
    assert counts(farm) == {"COMPLETED": 1}


def test_a_worker_stops_earlier(farm, toy_task, envelope, settings):
    add(farm, [envelope(toy_task(value=1, seconds=60))])
    began = time.monotonic()
    Timer(3.0, tell, (settings.run_root, time.time() + 4)).start()
    Worker(farm, replace(settings, deadline=time.time() + 600)).run()
    assert 3 < time.monotonic() - began < 20
    assert counts(farm) == {"READY": 1}
