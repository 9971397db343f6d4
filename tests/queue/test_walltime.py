"""What does not fit before a deadline is not begun; what others wait for goes first; a warning signal drains."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from launchers.envelopes import Envelope
from launchers.queue.claims import add
from launchers.queue.launchpad import counts
from launchers.queue.walltime import MARGIN, Expectation, Paces, Stopwatch, fitting
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Worker


@pytest.fixture
def settings(tmp_path: Path) -> WorkerSettings:
    return WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=0.5)


@pytest.fixture
def expecting(toy_task, envelope):
    """Envelopes of toys of one second, that say what they may take."""

    def made(number: int, kind: str, guess_s: float, resumes: bool = False, seconds: float = 0.0) -> Envelope:
        task = toy_task(value=number, seconds=seconds)
        return replace(envelope(task), expects=Expectation(kind, guess_s, resumes))

    return made


def numbers(farm, query: dict) -> set[int]:
    """Of the toys whose firework the query finds."""
    return {number(farm, one["fw_id"]) for one in farm.launchpad.fireworks.find(query, {"fw_id": 1})}


def number(farm, fw_id: int) -> int:
    return farm.launchpad.workflows.find_one({"nodes": fw_id})["metadata"]["seed"]


def test_what_a_guess_says_is_too_long_is_left(farm, expecting, settings):
    add(farm, [expecting(1, "long", 3600.0), expecting(2, "short", 1.0), expecting(3, "resumed", 3600.0, resumes=True)])
    done = Worker(farm, replace(settings, deadline=time.time() + 60)).run()
    assert done == 2
    assert numbers(farm, {"state": "READY"}) == {1}


def test_a_worker_that_could_begin_nothing_ends(farm, expecting, settings, capsys):
    add(farm, [expecting(1, "long", 3600.0)])
    began = time.monotonic()
    assert Worker(farm, replace(settings, deadline=time.time() + 60)).run() == 0
    assert time.monotonic() - began < 30
    assert "takes longer than what is left" in capsys.readouterr().out


def test_what_was_measured_is_believed_rather_than_a_guess(farm, expecting, settings):
    add(farm, [expecting(1, "guessed long", 3600.0, seconds=0.5)])
    assert Worker(farm, settings).run() == 1
    (pace,) = farm.paces.find()
    assert (pace["_id"], pace["count"]) == ("guessed long", 1)
    assert 0.5 <= pace["total_s"] < 20
    add(farm, [expecting(2, "guessed long", 3600.0)])
    assert Worker(farm, replace(settings, deadline=time.time() + 60)).run() == 1


def test_a_kind_that_takes_longer_than_its_guess_is_left(farm, expecting):
    add(farm, [expecting(1, "slow", 1.0), expecting(2, "other", 1.0)])
    farm.paces.insert_one({"_id": "slow", "count": 4, "total_s": 400.0})
    assert numbers(farm, fitting(Paces(farm).known(), 100.0 * MARGIN - 1)) == {2}
    assert numbers(farm, fitting(Paces(farm).known(), 100.0 * MARGIN + 1)) == {1, 2}
    assert numbers(farm, fitting(Paces(farm).known(), 1.0)) == set()


def test_what_was_measured_is_read_once_a_minute(farm, monkeypatch):
    moment = [1000.0]
    monkeypatch.setattr("launchers.queue.walltime.time.monotonic", lambda: moment[0])
    paces = Paces(farm)
    assert paces.known() == {}
    farm.paces.insert_one({"_id": "slow", "count": 4, "total_s": 400.0})
    moment[0] += 59
    assert paces.known() == {}
    moment[0] += 1
    assert paces.known() == {"slow": 100.0 * MARGIN}


def test_a_failure_tells_nothing_of_how_long_it_takes(farm, toy_task, envelope, settings):
    add(farm, [replace(envelope(toy_task(value=1, fail=True)), expects=Expectation("toys", 1.0))])
    Worker(farm, settings).run()
    assert farm.paces.find_one() is None


def test_many_short_jobs_are_told_of_at_once(farm, expecting, settings, monkeypatch):
    told = []
    real = Stopwatch.tell
    monkeypatch.setattr(Stopwatch, "tell", lambda self: (told.append(len(self._taken)), real(self)))
    add(farm, [expecting(n, "short", 1.0) for n in range(1, 9)] + [expecting(9, "other", 1.0), expecting(10, "resumed", 1.0, resumes=True)])
    assert Worker(farm, settings).run() == 10
    assert {one["_id"]: one["count"] for one in farm.paces.find()} == {"short": 8, "other": 1}
    assert sum(told) <= 4


def test_what_others_wait_for_goes_first(farm, toy_task, envelope, settings):
    order = {1: 0, 2: 6, 3: 2}
    add(farm, [replace(envelope(toy_task(value=number)), priority=one) for number, one in order.items()])
    Worker(farm, settings).run()
    began = farm.launchpad.launches.find({}, {"fw_id": 1, "launch_id": 1}).sort("launch_id", 1)
    assert [number(farm, one["fw_id"]) for one in began] == [2, 3, 1]


def test_the_warning_of_a_scheduler_drains(farm, toy_task, envelope, tmp_path):
    add(farm, [envelope(toy_task(value=1, seconds=60))])
    process = subprocess.Popen([sys.executable, "-m", "launchers.workers.slot", "--run-root", str(tmp_path)], start_new_session=True)
    try:
        end = time.monotonic() + 60
        while counts(farm) != {"RUNNING": 1}:
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGUSR1)
        assert process.wait(20) == 0
    finally:
        process.kill()
    assert counts(farm) == {"READY": 1}
