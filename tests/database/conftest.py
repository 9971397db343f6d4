"""Servers for the tests: a shared one, and ones of their own for tests that kill them."""

import os
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from launchers.database.embedded import process
from launchers.database.embedded.home import Home


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """A private directory whose path leaves room for a socket."""
    place = Path(tempfile.mkdtemp(prefix="lf-"))
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def embedded(short_directory: Path) -> Iterator[Home]:
    """A running embedded server of one's own."""
    home = Home(short_directory / "db")
    process.start(home)
    yield home
    process.stop(home)


@pytest.fixture
def kill() -> Callable[[Home], None]:
    """Kills a server as a crash would, and waits until it is gone."""

    def kill_server(home: Home) -> None:
        owner = home.process()
        assert owner is not None
        os.kill(owner, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while not home.is_free():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    return kill_server


@pytest.fixture(scope="session")
def server_uri() -> Iterator[str]:
    """The server that most tests share: a real MongoDB when LATTICEFARM_TEST_MONGO_URI names one."""
    given = os.environ.get("LATTICEFARM_TEST_MONGO_URI")
    if given:
        yield given
        return
    place = Path(tempfile.mkdtemp(prefix="lf-"))
    home = Home(place / "db")
    process.start(home)
    yield home.uri
    process.stop(home)
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def client(server_uri: str) -> Iterator[MongoClient]:
    """A client of the shared server."""
    with MongoClient(server_uri, serverSelectionTimeoutMS=10_000) as opened:
        yield opened


@pytest.fixture
def database(client: MongoClient) -> Iterator:
    """An empty database on the shared server."""
    name = f"test_{uuid.uuid4().hex}"
    yield client[name]
    client.drop_database(name)


@pytest.fixture
def empty_environment(monkeypatch: pytest.MonkeyPatch, short_directory: Path) -> Path:
    """No database is named, and latticefarm's home is empty."""
    for name in ("LATTICEFARM_MONGO_URI", "LATTICEFARM_MONGO_URI_FILE", "LATTICEFARM_MONGO_DATABASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LATTICEFARM_HOME", str(short_directory / "home"))
    return short_directory / "home"
