"""A database that cannot be used: one clear line without secrets, exit code 2, nothing lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from refusing_mongodb import refusing_mongodb

from launchers.database import ladder

SECRET = "open-sesame"
pytestmark = pytest.mark.usefixtures("toy_folder", "no_database")
COMMANDS = [("plan", "toy.yaml"), ("submit", "toy.yaml"), ("run", "toy.yaml"), ("status",), ("work",), ("db", "status")]


@pytest.fixture
def refusing(no_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    assert no_database
    with refusing_mongodb() as port:
        monkeypatch.setenv("LATTICEFARM_MONGO_URI", f"mongodb://bob:{SECRET}@127.0.0.1:{port}/x")
        yield


@pytest.mark.usefixtures("refusing")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_refused_password(latticefarm, command: tuple[str, ...]) -> None:
    said = latticefarm(*command)
    assert "refuses user 'bob'" in said.complaint
    assert SECRET not in said.error


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_nobody_answers(latticefarm, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    uri = f"mongodb://bob:{SECRET}@127.0.0.1:1/x?serverSelectionTimeoutMS=100"
    monkeypatch.setenv("LATTICEFARM_MONGO_URI", uri)
    said = latticefarm(*command)
    assert "127.0.0.1:1 does not answer" in said.complaint
    assert SECRET not in said.error


def test_doctor_says_no_to_a_dead_database(latticefarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTICEFARM_MONGO_URI", "mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=100")
    said = latticefarm("doctor")
    assert said.code == 1
    assert "no  database: the database at 127.0.0.1:1 does not answer" in said.out


def test_a_uri_that_others_can_read(latticefarm, no_database: Path) -> None:
    no_database.mkdir()
    (no_database / "mongo_uri").write_text("mongodb://bob:secret@host/x")
    (no_database / "mongo_uri").chmod(0o644)
    assert "chmod 600" in latticefarm("status").complaint


@pytest.mark.parametrize("command", [("db", "start"), ("run", "toy.yaml")], ids=" ".join)
def test_a_data_directory_open_to_others(latticefarm, no_database: Path, command: tuple[str, ...]) -> None:
    (no_database / "db").mkdir(parents=True)
    (no_database / "db").chmod(0o755)
    assert f"chmod 700 {no_database / 'db'}" in latticefarm(*command).complaint


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a directory away needs root: sudo pytest tests/campaign")
@pytest.mark.parametrize("command", [("db", "start"), ("run", "toy.yaml")], ids=" ".join)
def test_a_data_directory_of_somebody_else(latticefarm, no_database: Path, command: tuple[str, ...]) -> None:
    (no_database / "db").mkdir(parents=True, mode=0o700)
    os.chown(no_database / "db", 65534, -1)
    assert "belongs to user 65534" in latticefarm(*command).complaint


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """LATTICEFARM_HOME on a file system of 8 MB, an embedded database in it."""
    place = Path(tempfile.mkdtemp(prefix="lf-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs root to mount a tmpfs: sudo pytest tests/campaign/test_cli_database_trouble.py")
    monkeypatch.setenv("LATTICEFARM_HOME", str(place))
    monkeypatch.setenv("PATH", os.path.dirname(shutil.which("sh") or "/bin/sh"))  # no mongod: this is about ours
    ladder.start()
    yield place
    ladder.stop()
    subprocess.run(["/bin/umount", "-l", str(place)], check=False)
    place.rmdir()


def test_a_full_disk_loses_nothing(latticefarm, small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    free = shutil.disk_usage(small_disk).free
    ballast.write_bytes(bytes(free - 1_000_000))
    complaint = latticefarm("submit", "toy.yaml").complaint
    assert "disk full" in complaint
    assert "free some space" in complaint
    ballast.unlink()
    said = latticefarm("submit", "toy.yaml", "--json")
    assert len(json.loads(said.out)["added"]) == 8
    assert json.loads(latticefarm("status", "--json").out)["toy"]["counts"] == {"queued": 8, "waiting": 12}
