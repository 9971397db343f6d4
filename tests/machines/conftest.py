"""Schedulers, and ready work for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from schedulers import FakeSlurm, missing, real_slurm

from launchers.farm import Farm


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """A Slurm that only writes down what it is told."""
    fake = FakeSlurm.install(tmp_path / "slurm")
    monkeypatch.setenv("PATH", fake.path)
    return fake


@pytest.fixture(scope="session")
def slurm_conf() -> Iterator[str]:
    """The real Slurm."""
    if why := missing():
        pytest.skip(why)
    with real_slurm() as configuration:
        yield configuration


@pytest.fixture
def add_ready() -> Callable[..., None]:
    """Puts ready jobs into the queue, one for each key."""

    def add(farm: Farm, *keys: str, category: str = "train", **spec: Any) -> None:
        from fireworks import Firework, ScriptTask, Workflow

        def one(key: str) -> Workflow:
            return Workflow.from_firework(Firework([ScriptTask.from_str("true")], spec={"_category": category, **spec}), metadata={"key": key})

        farm.launchpad.bulk_add_wfs([one(key) for key in keys])

    return add
