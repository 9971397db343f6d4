"""Which database is taken, what it gives, and what it says when it cannot be used."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pymongo.errors import OperationFailure
from refusing_mongodb import refusing_mongodb

from launchers.database import ladder, mongod
from launchers.database.embedded import process
from launchers.database.embedded.home import Home
from launchers.database.uri import MongoURI, explain

SECRET = "s3cret"


@pytest.fixture
def running(empty_environment: Path) -> Iterator[ladder.Database]:
    assert empty_environment
    yield ladder.start()
    ladder.stop()


def test_nothing_runs_until_it_is_started(empty_environment: Path) -> None:
    assert ladder.find() is None
    assert ladder.status() == {"running": False, "kind": None, "directory": str(empty_environment / "db")}
    assert not ladder.stop()


def test_the_embedded_server_is_the_last_rung(running: ladder.Database) -> None:
    assert running.kind == "embedded"
    assert ladder.find() == running == ladder.start()
    facts = ladder.status()
    assert facts["running"]
    assert facts["name"] == "latticefarm"
    assert facts["process"] == Home(running.directory or Path()).process()
    assert running.connect().admin.command("ping")["ok"]


def test_launchpad_and_stores(running: ladder.Database) -> None:
    launchpad = running.launchpad()
    launchpad.reset("", require_password=False)
    assert launchpad.get_fw_ids() == []
    assert (
        "state_-1_spec._category_1_spec._priority_-1_created_on_1" in launchpad.fireworks.index_information()
    )
    store = running.job_store()
    store.connect()
    store.update({"uuid": "u", "index": 1, "output": {"a": 1}})
    assert store.get_output("u") == {"a": 1}
    assert store.docs_store.collection_name == "outputs"
    store.additional_stores["blobs"].update([{"blob_uuid": "b", "data": "x" * 1000}])
    assert store.additional_stores["blobs"].query_one({"blob_uuid": "b"})["data"] == "x" * 1000


def test_fireworks_commands_work_with_the_written_files(
    running: ladder.Database, short_directory: Path
) -> None:
    running.launchpad().reset("", require_password=False)
    place = short_directory / "env"
    variables = running.write_environment(place)
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}
    environment = os.environ | variables | {"HOME": str(short_directory)}
    tool = Path(sys.executable).parent
    add = [tool / "lpad", "add_scripts", "echo hello > greeting"]
    subprocess.run(add, env=environment, cwd=short_directory, check=True, capture_output=True)
    run = [tool / "rlaunch", "singleshot"]
    subprocess.run(run, env=environment, cwd=short_directory, check=True, capture_output=True)
    assert (short_directory / "greeting").read_text() == "hello\n"
    assert running.launchpad().get_fw_ids({"state": "COMPLETED"}) == [1]
    subprocess.run([tool / "lpad", "admin", "tuneup"], env=environment, cwd=short_directory, check=True)
    program = (
        "import jobflow; s = jobflow.SETTINGS.JOB_STORE; s.connect(); print(s.docs_store.collection_name)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=short_directory, check=True, capture_output=True
    )
    assert found.stdout.decode().strip() == "outputs"


def test_a_given_uri_wins(running: ladder.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTICEFARM_MONGO_URI", f"{running.uri}mine")
    found = ladder.find()
    assert found is not None
    assert (found.kind, found.name, found.directory) == ("given", "mine", None)
    with pytest.raises(ladder.DatabaseError, match="not ours to stop"):
        ladder.stop()
    monkeypatch.setenv("LATTICEFARM_MONGO_URI", running.uri)
    monkeypatch.setenv("LATTICEFARM_MONGO_DATABASE", "other")
    assert ladder.start().name == "other"
    monkeypatch.delenv("LATTICEFARM_MONGO_URI")


def test_a_uri_in_a_file(
    running: ladder.Database, empty_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = empty_environment / "mongo_uri"
    file.write_text(f"{running.uri}filed\n")
    file.chmod(0o644)
    with pytest.raises(ladder.DatabaseError, match="chmod 600"):
        ladder.find()
    file.chmod(0o600)
    found = ladder.find()
    assert found is not None
    assert found.name == "filed"
    monkeypatch.setenv("LATTICEFARM_MONGO_URI_FILE", str(empty_environment / "nowhere"))
    with pytest.raises(ladder.DatabaseError, match="does not exist"):
        ladder.find()
    monkeypatch.delenv("LATTICEFARM_MONGO_URI_FILE")
    file.unlink()


def test_nobody_answers(empty_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert empty_environment
    uri = f"mongodb://bob:{SECRET}@127.0.0.1:1/x?serverSelectionTimeoutMS=200"
    monkeypatch.setenv("LATTICEFARM_MONGO_URI", uri)
    with pytest.raises(ladder.DatabaseError, match=r"127\.0\.0\.1:1 does not answer") as caught:
        ladder.find()
    assert SECRET not in str(caught.value)


@pytest.fixture
def refusing_port() -> Iterator[int]:
    with refusing_mongodb() as port:
        yield port


def test_a_refused_password(
    empty_environment: Path, monkeypatch: pytest.MonkeyPatch, refusing_port: int
) -> None:
    assert empty_environment
    monkeypatch.setenv("LATTICEFARM_MONGO_URI", f"mongodb://bob:{SECRET}@127.0.0.1:{refusing_port}/x")
    with pytest.raises(ladder.DatabaseError, match="refuses user 'bob'") as caught:
        ladder.find()
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_uri_that_is_none(empty_environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert empty_environment
    for nonsense in ("localhost:27017", "postgres://a:b@c", f"mongodb://bob:{SECRET}@"):
        monkeypatch.setenv("LATTICEFARM_MONGO_URI", nonsense)
        with pytest.raises(ladder.DatabaseError, match=r"no MongoDB URI|names no host") as caught:
            ladder.find()
        assert SECRET not in str(caught.value)


def test_no_password_is_ever_shown() -> None:
    uri = f"mongodb+srv://bob:{SECRET}@a.example,b.example/db?tls=true&tlsCertificateKeyFilePassword={SECRET}"
    found = ladder.Database("given", uri, "db")
    assert SECRET not in repr(found)
    assert SECRET not in found.redacted()
    assert SECRET not in repr(MongoURI(uri))
    assert found.redacted().startswith("mongodb+srv://bob:***@a.example,b.example/db?tls=true&")
    assert MongoURI(uri).options == {"tls", "tlscertificatekeyfilepassword"}
    for code in (13, 18, 14031, 99):
        assert SECRET not in explain(OperationFailure("text", code), uri)


def test_options_of_the_uri_stand() -> None:
    found = ladder.Database("given", "mongodb://h/db?serverSelectionTimeoutMS=7", "db")
    assert "serverSelectionTimeoutMS" not in found.client_options()
    assert "socketTimeoutMS" in found.client_options()


def test_a_directory_open_to_others(empty_environment: Path) -> None:
    (empty_environment / "db").mkdir(parents=True)
    (empty_environment / "db").chmod(0o755)
    with pytest.raises(ladder.DatabaseError, match="chmod 700"):
        ladder.start()


def test_a_place_that_cannot_be_made(empty_environment: Path) -> None:
    empty_environment.write_text("a file")
    with pytest.raises(ladder.DatabaseError, match=str(empty_environment)):
        ladder.start()


FAKE_MONGOD = """#!{python}
import json, pathlib, sys
from launchers.database.embedded.home import Home
from launchers.database.embedded.server import serve
arguments = sys.argv[1:]
sockets = arguments[arguments.index("--unixSocketPrefix") + 1]
port = arguments[arguments.index("--port") + 1]
pathlib.Path(sockets, "arguments.json").write_text(json.dumps(arguments))
serve(Home(pathlib.Path(sockets), socket_name=f"mongodb-{{port}}.sock"))
"""


@pytest.fixture
def fake_mongod(short_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `mongod` on the PATH that understands the options that matter here."""
    program = short_directory / "bin" / "mongod"
    program.parent.mkdir()
    program.write_text(FAKE_MONGOD.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program


def test_a_mongod_on_the_path_is_started_privately(empty_environment: Path, fake_mongod: Path) -> None:
    assert fake_mongod
    started = ladder.start()
    try:
        assert started.kind == "mongod"
        assert ladder.find() == started
        assert started.connect().admin.command("ping")["ok"]
        place = empty_environment / "db" / "mongod"
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        arguments: list[Any] = yaml.safe_load((place / "arguments.json").read_text())
        address = arguments[arguments.index("--bind_ip") + 1]
        assert address.startswith(str(place)), "no TCP address"
        assert arguments[arguments.index("--dbpath") + 1] == str(place / "data")
    finally:
        assert ladder.stop()
    assert ladder.find() is None


def test_data_stay_where_they_are_when_a_mongod_appears(
    running: ladder.Database, fake_mongod: Path
) -> None:
    assert fake_mongod
    ladder.stop()
    again = ladder.start()
    assert again == running


def test_a_mongod_that_fails_is_named(empty_environment: Path, fake_mongod: Path) -> None:
    fake_mongod.write_text("#!/bin/sh\nexit 14\n")
    assert empty_environment
    with pytest.raises(ladder.DatabaseError, match="exited with 14"):
        ladder.start()


def test_the_log_says_why_a_start_failed(empty_environment: Path) -> None:
    home = Home(empty_environment / "db")
    empty_environment.mkdir(mode=0o700)
    home.prepare()
    home.data.write_bytes(b"this is no database, but a text that is long enough" * 100)
    with pytest.raises(ladder.DatabaseError, match="cannot be used"):
        ladder.start()
    assert process.stop(home) is False
    assert mongod.stop(mongod.home(home.directory)) is False
