"""Toy work as the queue takes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flows.keys import digest, job_uuid
from flows.toys import ToyTask, toy
from launchers.envelopes import Envelope


def _task(**content: object) -> ToyTask:
    return ToyTask(key=digest("toy", 1, **content), **content)  # type: ignore[arg-type]


def _envelope(task: ToyTask, then: str | None = None) -> Envelope:
    def seal() -> object:
        job = toy(task)
        job.set_uuid(job_uuid(task.key))
        return job

    about = {"stage": "toy", "system": "none", "model": "none", "seed": task.value, "size": "full"}
    return Envelope(task.key, job_uuid(task.key), f"toy {task.value}", "train", about, seal, then)


@pytest.fixture
def toy_task() -> Callable[..., ToyTask]:
    return _task


@pytest.fixture
def envelope() -> Callable[..., Envelope]:
    return _envelope
