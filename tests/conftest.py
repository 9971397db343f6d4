"""A real queue and store for every test that asks for one: MongoDB if there is one, else the embedded server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import pytest
from sources import module_at

os.environ.setdefault("TQDM_DISABLE", "1")

DEAR = {"slurm_conf": "tests", "written": "report"}
"""Fixtures of a session that several files of a folder use: a real Slurm, a whole report."""

SLOW_S = 1800
"""The limit of slow tests that have none of their own: several times what they take on a machine with nothing else to do."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process has all tests of a file, whose fixtures are its own, and one all that share what is dear to make; slow ones may take long."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        shared = [name for name, folder in DEAR.items() if name in names and folder in item.path.parts]
        item.add_marker(pytest.mark.xdist_group(shared[0] if shared else str(item.path)))
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_S))


@pytest.fixture(scope="session")
def write_campaign() -> Callable[..., Path]:
    """Writes the small real campaign of the benchmarks: copper by EMT, trainings of seconds."""
    return module_at("benchmarks/springs.py").write_campaign


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A directory of our own for everything that latticefarm keeps, its database running."""
    # short: a socket's path may have 107 bytes
    with TemporaryDirectory(prefix="lf-") as directory, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATTICEFARM_HOME", directory)
        given = os.environ.get("LATTICEFARM_TEST_MONGO_URI")
        if given:
            patch.setenv("LATTICEFARM_MONGO_URI", given)
        else:
            patch.delenv("LATTICEFARM_MONGO_URI", raising=False)
        from launchers.database import ladder

        ladder.start()
        yield Path(directory)
        if not given:
            ladder.stop()


@pytest.fixture
def database_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of its own for one test; processes that the test starts find it."""
    assert home.is_dir()
    name = f"test_{uuid4().hex[:12]}"
    monkeypatch.setenv("LATTICEFARM_MONGO_DATABASE", name)
    return name


@pytest.fixture
def farm(database_name: str) -> Iterator:
    """A farm in an empty database."""
    from launchers.database import ladder
    from launchers.farm import Farm

    found = ladder.find()
    assert found is not None
    assert found.name == database_name
    opened = Farm.open(found)
    yield opened
    opened.launchpad.connection.drop_database(database_name)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A job store in memory, which jobflow takes for its own, and checkpoints for this test alone."""
    from jobflow import SETTINGS, JobStore
    from maggma.stores import MemoryStore

    monkeypatch.setenv("LATTICEFARM_CHECKPOINTS", str(tmp_path / "checkpoints"))
    store = JobStore(MemoryStore(), additional_stores={"blobs": MemoryStore()})
    store.connect()
    monkeypatch.setattr(SETTINGS, "JOB_STORE", store)
    return store
