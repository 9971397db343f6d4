"""A password with every character that a URI has a use for: no part of it in outputs, warnings, logs, process lists or files.

The two halves of each stand around such a character, so that whatever cuts the URI wrongly shows one of them.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from refusing_mongodb import refusing_mongodb

from launchers.database.ladder import Database
from launchers.database.uri import MongoURI

pytestmark = pytest.mark.usefixtures("toy_folder", "no_database")
FAST = "serverSelectionTimeoutMS=50"
HALVES = ("kumquat", "zeppelin")
BETWEEN = ["@", ":", "/", "%", "#", "?", "&", "=", ";", "+", " ", "%40", "%zz", "@@:/", "\\", '"', "'", "[", "]", "ü", "漢", "\N{ROLLING ON THE FLOOR LAUGHING}"]
NEVER = BETWEEN[-1]  # younger than what MongoDB prepares passwords by
COMMANDS = [("db", "status"), ("doctor",), ("work",), ("submit", "toy.yaml"), ("db", "env", "fireworks")]


def shown(text: str) -> list[str]:
    """The pieces of a password that are in a text."""
    return [piece for piece in HALVES if piece in text.lower()]


def ask(latticefarm, command: tuple[str, ...]) -> str:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        said = latticefarm("--debug", *command)
    assert said.code != 0
    return " ".join([said.out, said.error, *(str(one.message) for one in caught)])


@pytest.fixture(scope="module")
def refusing() -> Iterator[int]:
    with refusing_mongodb() as port:
        yield port


# a quarter by default: each waits for a database that is not there
@pytest.mark.parametrize("between", [pytest.param(one, marks=pytest.mark.slow) if number % 4 else one for number, one in enumerate(BETWEEN)])
def test_as_it_was_pasted(latticefarm, monkeypatch: pytest.MonkeyPatch, between: str) -> None:
    """Some are no URI, some are another one, some happen to be right: nothing of any is said."""
    uri = f"mongodb://farm:Kumquat{between}Zeppelin@127.0.0.1:1/lf?{FAST}"
    monkeypatch.setenv("LATTICEFARM_MONGO_URI", uri)
    for command in COMMANDS:
        assert shown(ask(latticefarm, command)) == [], command
    assert shown(f"{MongoURI(uri)!r} {MongoURI(uri).redacted} {Database('given', uri, 'lf')!r}") == []
    assert not Path("fireworks").exists()


@pytest.mark.parametrize("between", BETWEEN)
def test_percent_encoded(latticefarm, monkeypatch: pytest.MonkeyPatch, between: str, refusing: int) -> None:
    for encode in (quote_plus, lambda text: quote(text, safe="")):
        password = encode(f"Kumquat{between}Zeppelin")
        refused = "no password of MongoDB can have" if between == NEVER else "refuses user 'farm'"
        for port, words in ((f"1/lf?{FAST}", "does not answer"), (f"{refusing}/lf", refused)):
            monkeypatch.setenv("LATTICEFARM_MONGO_URI", f"mongodb://farm:{password}@127.0.0.1:{port}")
            said = ask(latticefarm, ("db", "status"))
            assert words in said
            assert shown(said) == []


@pytest.mark.parametrize("between", ["@", "/", "?", "%", "#", "ü"])
@pytest.mark.parametrize("before", ["", "# ours: ", "uri = "], ids=["alone", "in a comment", "as a setting"])
def test_in_a_file(latticefarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: str, before: str) -> None:
    file = tmp_path / "uri"
    file.write_text(f"{before}mongodb://farm:Kumquat{between}Zeppelin@127.0.0.1:1/lf?{FAST}\n")
    file.chmod(0o600)
    monkeypatch.setenv("LATTICEFARM_MONGO_URI_FILE", str(file))
    for command in (("db", "status"), ("status",)):
        said = ask(latticefarm, command)
        assert shown(said) == []
        assert "holds no URI" in said or not before.startswith("#")


@pytest.mark.parametrize("between", ["@", "?", "%", "ü"])
@pytest.mark.parametrize("encoded", [True, False], ids=["encoded", "pasted"])
def test_a_worker_s_log_and_the_list_of_processes(tmp_path: Path, between: str, encoded: bool, refusing: int) -> None:
    password = f"Kumquat{between}Zeppelin"
    uri = f"mongodb://farm:{quote_plus(password) if encoded else password}@127.0.0.1:{refusing}/lf"
    command = [sys.executable, "-m", "launchers.workers.slot", "--run-root", str(tmp_path / "runs")]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, "LATTICEFARM_MONGO_URI": uri}, stdout=log, stderr=log)
    listed = []
    while process.poll() is None:
        listed += [Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()]
        time.sleep(0.02)
    said = (tmp_path / "log").read_text()
    assert process.returncode != 0
    assert "percent-encode" in said or "refuses user 'farm'" in said
    assert shown(said) == []
    assert any("launchers.workers.slot" in one for one in listed)
    assert shown(" ".join(listed)) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file() and shown(path.read_text(errors="replace"))] == []


def test_the_files_of_fireworks_are_the_only_ones_that_have_it_and_they_are_private(tmp_path: Path) -> None:
    uri = f"mongodb://farm:{quote_plus('Kumquat@:/%#?üZeppelin')}@127.0.0.1:1/lf?{FAST}"
    Database("given", uri, "lf").write_environment(tmp_path / "fireworks")
    assert stat.S_IMODE((tmp_path / "fireworks").stat().st_mode) == 0o700
    files = sorted((tmp_path / "fireworks").iterdir())
    assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    assert [one.name for one in files if shown(one.read_text())] == ["jobflow.yaml", "my_launchpad.yaml"]
