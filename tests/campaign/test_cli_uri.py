"""A URI that cannot be used: what is wrong is said, and no piece of a password, in no output, warning or log."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from launchers.database.ladder import Database
from launchers.database.uri import MongoURI, explain

pytestmark = pytest.mark.usefixtures("no_database")
FAST = "serverSelectionTimeoutMS=100"
ENCODE = "percent-encode special characters of user and password"
PIECES = ("kumquat", "zeppelin")  # the halves of the passwords below, in any case of letters

MALFORMED = {
    "mongodb://farm:kumquat/zeppelin@127.0.0.1:1/lf": ENCODE,
    "mongodb://farm:x@kumquat/zeppelin@127.0.0.1:1/lf": ENCODE,
    f"mongodb://farm:KUMQUAT?ZEPPELIN@127.0.0.1:1/lf?{FAST}": ENCODE,
    "mongodb://farm:kumquat@zeppelin@127.0.0.1:1/lf": ENCODE,
    "mongodb://farm:kumquat:zeppelin@127.0.0.1:1/lf": ENCODE,
    "mongodb://farm:kumquat%zeppelin@127.0.0.1:1/lf": ENCODE,
    "mongodb://farm:kumquat?a=b&zeppelin@127.0.0.1:1/lf": ENCODE,
    "mongodb://farm:27017/kumquat?zeppelin@127.0.0.1:1/lf": ENCODE,
    "mongodb://farm:kumquat zeppelin@127.0.0.1:1/lf": "a blank",
    "mongodb://farm:kumquat": "port",
    "mongodb://farm:kumquat@": "names no host",
    "mongodb://farm:kumquat@127.0.0.1:99999/lf": "port",
    "mongodb://farm:kumquat@127.0.0.1:port/lf": "port",
    "mongodb://farm:kumquat@127.0.0.1:1,,b:2/lf": "a comma too many",
    "mongodb://farm:kumquat@::1/lf": "brackets",
    "mongodb://:kumquat@127.0.0.1:1/lf": "no user",
    "MONGODB://farm:kumquat@127.0.0.1:1/lf": "written small",
    "'mongodb://farm:kumquat@127.0.0.1:1/lf'": "in quotes",
    "farm:kumquat@127.0.0.1:1/lf": "no MongoDB URI",
    "postgres://farm:kumquat@127.0.0.1:1/lf": "no MongoDB URI",
    "mongodb://farm:kumquat@127.0.0.1:1/lf.zeppelin": "database name",
    "mongodb://farm:kumquat@127.0.0.1:1/a%20b": "database name",
    "mongodb+srv://farm:kumquat@127.0.0.1:1/lf": "SRV|srv",
    f"mongodb+srv://farm:kumquat@nowhere.invalid/lf?{FAST}&connectTimeoutMS=100": "no DNS record of nowhere.invalid",
    "mongodb://farm@127.0.0.1:1/lf": "a password is missing",
    f"mongodb://farm:kumquat@127.0.0.1:1/lf?{FAST}&authMechanism=zeppelin": "authMechanism|does not answer",
    f"mongodb://farm:kumquat@127.0.0.1:1/lf?{FAST}&tls=true&tlsCertificateKeyFile=/none&tlsCertificateKeyFilePassword=zeppelin": "cannot be used|does not",
    f"mongodb://farm:kumquat@127.0.0.1:1/lf?{FAST}&tlsCertificateKeyFilePassword=kum&quat;zeppelin": "cannot be used|does not",
    f"mongodb://farm:kumquat@127.0.0.1:1/lf?{FAST}&zeppelin=1": "does not answer",
    "mongodb://farm:kumquat@127.0.0.1:1/lf?zeppelin": "cannot be used",
}
HIDDEN = {uri for uri in MALFORMED if "authMechanism" in uri or "/lf?zeppelin" in uri}


@pytest.mark.parametrize("uri", MALFORMED)
@pytest.mark.parametrize("command", [("db", "status"), ("doctor",)], ids=" ".join)
def test_what_is_wrong_is_said_and_no_piece_of_a_password(
    latticefarm, monkeypatch: pytest.MonkeyPatch, uri: str, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("LATTICEFARM_MONGO_URI", uri)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        said = latticefarm("--debug", *command)
    everything = " ".join([said.out, said.error, *(str(one.message) for one in caught)])
    secrets = PIECES if uri not in HIDDEN else PIECES[:1]
    assert not [piece for piece in secrets if piece in everything.lower()]
    assert re.search(MALFORMED[uri], everything), everything
    assert said.code == (2 if command[0] == "db" else 1)


@pytest.mark.parametrize("uri", MALFORMED)
def test_nothing_that_prints_a_uri_prints_a_password(uri: str) -> None:
    shown = [MongoURI(uri).redacted, repr(MongoURI(uri)), repr(Database("given", uri, "lf")), MongoURI(uri).hosts]
    shown += [explain(error(uri), uri) for error in (ValueError, RuntimeError)]
    secrets = PIECES if "zeppelin" not in MongoURI(uri).redacted else PIECES[:1]
    assert not [piece for piece in secrets if piece in " ".join(shown).lower()]
    assert secrets == PIECES or uri in HIDDEN or "&zeppelin=1" in uri


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://farm:kum%2Fquat%40@h:27017,h2:27018/lf?replicaSet=a&appName=me@here",
        "mongodb://h",
        "mongodb://h/",
        "mongodb://[::1]:27017/lf",
        "mongodb://%2Ftmp%2Fmongodb.sock/lf",
        "mongodb+srv://farm:x@cluster.example.org/lf",
        "mongodb://CN%3Dme@h/lf?authMechanism=MONGODB-X509&tls=true",
        "mongodb://farm:pa#ss@h/lf",
    ],
)
def test_what_can_be_used_is_not_refused(uri: str) -> None:
    assert MongoURI(uri).problem == ""


def test_a_misspelt_option_is_named_as_it_may_be_meant(latticefarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTICEFARM_MONGO_URI", f"mongodb://127.0.0.1:1/lf?{FAST}&replicaSett=a")
    with pytest.warns(UserWarning, match="did you mean replicaSet"):
        latticefarm("db", "status")


def test_a_file_may_have_comments(latticefarm, no_database: Path) -> None:
    no_database.mkdir()
    (no_database / "mongo_uri").write_text(f"# ours\n\nmongodb://127.0.0.1:1/lf?{FAST}\n")
    (no_database / "mongo_uri").chmod(0o600)
    assert "127.0.0.1:1 does not answer" in latticefarm("db", "status").complaint


def test_a_worker_s_log_has_no_password(tmp_path: Path) -> None:
    uri = f"mongodb://farm:KUMQUAT?ZEPPELIN@127.0.0.1:1/lf?{FAST}"
    command = [sys.executable, "-m", "launchers.workers.slot", "--run-root", str(tmp_path / "runs")]
    environment = {**os.environ, "LATTICEFARM_MONGO_URI": uri}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert ENCODE in done.stderr
    assert not [piece for piece in PIECES if piece in (done.stdout + done.stderr).lower()]
