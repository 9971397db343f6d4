"""Which MongoDB: the user's, a private `mongod`, or the embedded server.

The ladder:

1. `LATTICEFARM_MONGO_URI`, or the URI in the file that `LATTICEFARM_MONGO_URI_FILE` names (`mongo_uri` in
   `LATTICEFARM_HOME` by default; only its owner may read it). User, password and TLS are parts of the URI.
   The database is the one in the URI's path, or `LATTICEFARM_MONGO_DATABASE`, or `latticefarm`.
2. A `mongod` on the PATH, started for this user alone.
3. The embedded server: one machine, one user.

Rungs 2 and 3 keep their data in `db` in `LATTICEFARM_HOME`, which is `~/.latticefarm` by default.
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launchers.database import mongod
from launchers.database.embedded import process
from launchers.database.embedded.home import Home, HomeError
from launchers.database.uri import MongoURI, database_name_problem, explain, quiet_pymongo

if TYPE_CHECKING:
    from collections.abc import Callable

    from fireworks import LaunchPad
    from jobflow import JobStore
    from pymongo import MongoClient

DEFAULT_NAME = "latticefarm"
# a worker of one category, or for one asker, must not walk past the ready jobs of the others
_CHECKOUT = [["state", -1], ["spec._category", 1], ["spec._priority", -1], ["created_on", 1]]
_OF_ASKER = [["state", -1], ["spec._asked_by", 1], ["spec._priority", -1], ["created_on", 1]]
_OPTIONS: dict[str, int | str | bool] = {"serverSelectionTimeoutMS": 10_000, "connectTimeoutMS": 10_000, "socketTimeoutMS": 600_000}
# on a replica set: what one server alone has, a change of its primary loses
_OPTIONS |= {"w": "majority", "retryWrites": True}


class DatabaseError(Exception):
    """A database that cannot be used; one line without secrets that says what to do."""


@dataclass(frozen=True)
class Database:
    """One database. `kind` is `given`, `mongod` or `embedded`; `directory` holds the data of the last two."""

    kind: str
    uri: str = field(repr=False)
    name: str
    directory: Path | None = None

    def __repr__(self) -> str:
        return f"Database(kind={self.kind!r}, uri={self.redacted()!r}, name={self.name!r})"

    def redacted(self) -> str:
        """The URI without its password, to print."""
        return MongoURI(self.uri).redacted

    def client_options(self) -> dict[str, Any]:
        """Time-outs in milliseconds, and how writes are acknowledged, where the URI does not say so itself."""
        given = MongoURI(self.uri).options
        return {name: value for name, value in _OPTIONS.items() if name.lower() not in given}

    def connect(self) -> MongoClient[dict[str, Any]]:
        """A client that has reached the database.

        Raises:
            DatabaseError: nobody answers, or the user is refused.
        """
        from pymongo import MongoClient
        from pymongo.errors import PyMongoError

        quiet_pymongo(self.uri)
        with ExitStack() as unless_reached:
            try:
                client: MongoClient[dict[str, Any]] = MongoClient(self.uri, **self.client_options())
                unless_reached.callback(client.close)
                client[self.name].list_collection_names(filter={"name": "workflows"})
            except (PyMongoError, ValueError, OSError) as error:
                raise DatabaseError(explain(error, self.uri)) from None
            unless_reached.pop_all()
        return client

    def launchpad(self) -> LaunchPad:
        """FireWorks' queue in the database."""
        from fireworks import LaunchPad

        return LaunchPad(**self._launchpad_settings())

    def _launchpad_settings(self) -> dict[str, Any]:
        return {
            "host": self.uri,
            "name": self.name,
            "uri_mode": True,
            "strm_lvl": "WARNING",
            "user_indices": [_CHECKOUT, _OF_ASKER],
            "mongoclient_kwargs": self.client_options(),
        }

    def job_store(self) -> JobStore:
        """jobflow's store: records in `outputs`, large objects in the additional store `blobs`, and of work that is under
        way checkpoints in `checkpoints`, and in `bulletins` how far it is."""
        from jobflow import JobStore

        return JobStore.from_dict_spec(self._store_settings())

    def _store_settings(self) -> dict[str, Any]:
        place = {"uri": self.uri, "database": self.name, "mongoclient_kwargs": self.client_options()}
        # asked for by few jobs, and seldom: it connects when it is
        late = {**place, "mongoclient_kwargs": {**self.client_options(), "connect": False}}
        return {
            "docs_store": {"type": "MongoStore", "collection_name": "outputs", **place},
            "additional_stores": {
                "blobs": {"type": "GridFSStore", "collection_name": "blobs", "key": "blob_uuid", **place},
                "checkpoints": {"type": "GridFSStore", "collection_name": "checkpoints", "key": "key", **late},
                "bulletins": {"type": "MongoStore", "collection_name": "bulletins", "key": "key", **late},
            },
        }

    def write_environment(self, directory: Path) -> dict[str, str]:
        """Write the files with which `lpad`, `rlaunch` and `qlaunch` work on this database.

        They hold the URI with its password: mode 0600, in a directory of mode 0700. Returns the
        environment variables that point to them.

        Raises:
            DatabaseError: others may enter the directory.
        """
        directory = directory.absolute()
        _checked(lambda: Home(directory).prepare())
        files = {
            "my_launchpad.yaml": self._launchpad_settings(),
            "my_fworker.yaml": {"name": "latticefarm", "category": "", "query": "{}"},
            "jobflow.yaml": {"JOB_STORE": self._store_settings()},
            "FW_config.yaml": {
                "CONFIG_FILE_DIR": str(directory),
                "LAUNCHPAD_LOC": str(directory / "my_launchpad.yaml"),
                "FWORKER_LOC": str(directory / "my_fworker.yaml"),
            },
        }
        for name, content in files.items():
            _write_private(directory / name, content)
        return {
            "FW_CONFIG_FILE": str(directory / "FW_config.yaml"),
            "JOBFLOW_CONFIG_FILE": str(directory / "jobflow.yaml"),
        }


def home() -> Path:
    """Where latticefarm keeps what is neither a campaign's nor in the database."""
    return Path(os.environ.get("LATTICEFARM_HOME") or Path.home() / ".latticefarm").expanduser().absolute()


def find() -> Database | None:
    """The database that is given or runs, None if there is none.

    Raises:
        DatabaseError: the given one cannot be used.
    """
    given = _given()
    if given is not None:
        given.connect().close()
        return given
    place = home() / "db"
    for kind, server in (("mongod", mongod.home(place)), ("embedded", Home(place))):
        if server.answers():
            return Database(kind, server.uri, _name(""), server.directory)
    return None


def running() -> Database:
    """The database that is given or runs.

    Raises:
        DatabaseError: there is none, or the given one cannot be used.
    """
    found = find()
    if found is None:
        raise DatabaseError(
            "no database: none runs on this machine and LATTICEFARM_MONGO_URI names none;"
            " start one with `latticefarm db start`"
        )
    return found


def has_data() -> bool:
    """Whether a database of this machine has been here before: starting it brings back what was there."""
    place = home() / "db"
    return Home(place).data.exists() or mongod.home(place).directory.exists()


def start() -> Database:
    """The database that is given or runs, or one that is started and outlives the caller.

    Raises:
        DatabaseError: it cannot be used, or does not start.
    """
    found = find()
    if found is not None:
        return found
    place, program = Home(home() / "db"), mongod.executable()
    # data stay where they are, also when a mongod is installed later
    if program is None or place.data.exists():
        _checked(lambda: process.start(place))
        return Database("embedded", place.uri, _name(""), place.directory)
    private = mongod.home(place.directory)
    _checked(place.prepare)
    _checked(lambda: mongod.start(program, private))
    return Database("mongod", private.uri, _name(""), private.directory)


def stop() -> bool:
    """Stop the database that was started here; False when none runs.

    Raises:
        DatabaseError: it does not stop, or the database is the user's own.
    """
    if _given() is not None:
        raise DatabaseError(
            "the database is named by LATTICEFARM_MONGO_URI or its file: it is not ours to stop"
        )
    place = home() / "db"
    stopped = [False]

    def halt() -> None:
        stopped[0] = mongod.stop(mongod.home(place)) or process.stop(Home(place))

    _checked(halt)
    return stopped[0]


def status() -> dict[str, Any]:
    """What there is: `running`, `kind`, `uri` (no password), `name`, `directory`, `process`, `bytes`, `log`.

    Raises:
        DatabaseError: the given database cannot be used.
    """
    found = find()
    if found is None:
        return {"running": False, "kind": None, "directory": str(home() / "db")}
    facts = {"running": True, "kind": found.kind, "uri": found.redacted(), "name": found.name}
    if found.directory is None:
        return facts
    place = Home(found.directory)
    used = sum(path.stat().st_size for path in place.directory.rglob("*") if path.is_file())
    facts |= {"directory": str(place.directory), "bytes": used, "log": str(place.log)}
    return facts | ({"process": place.process()} if found.kind == "embedded" else {})


def _given() -> Database | None:
    text = os.environ.get("LATTICEFARM_MONGO_URI", "").strip() or _from_file()
    if not text:
        return None
    uri = MongoURI(text)
    if not uri.valid:
        raise DatabaseError(f"LATTICEFARM_MONGO_URI, or the file that stands for it, cannot be used: {uri.problem}")
    name = _name(uri.database)
    if problem := database_name_problem(name):
        raise DatabaseError(problem)
    return Database("given", text, name)


def _from_file() -> str:
    path = Path(os.environ.get("LATTICEFARM_MONGO_URI_FILE") or home() / "mongo_uri").expanduser()
    try:
        found = path.stat()
        if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise DatabaseError(
                f"{path} may hold a password and is not yours alone: chown it, chmod 600 {path}"
            )
        lines = (line.strip() for line in path.read_text().splitlines())
        text = "\n".join(line for line in lines if line and not line.startswith("#"))
        if not text and "LATTICEFARM_MONGO_URI_FILE" in os.environ:
            raise DatabaseError(f"{path}, which LATTICEFARM_MONGO_URI_FILE names, holds no URI: every line is blank or a comment")
        return text
    except FileNotFoundError:
        if "LATTICEFARM_MONGO_URI_FILE" in os.environ:
            raise DatabaseError(f"{path}, which LATTICEFARM_MONGO_URI_FILE names, does not exist") from None
        return ""
    except OSError as error:
        raise DatabaseError(f"{path} cannot be read: {error.strerror}") from None


def _name(in_uri: str) -> str:
    return in_uri or os.environ.get("LATTICEFARM_MONGO_DATABASE") or DEFAULT_NAME


def _checked(action: Callable[[], Any]) -> None:
    try:
        action()
    except HomeError as error:
        raise DatabaseError(str(error)) from None
    except OSError as error:
        raise DatabaseError(f"{error.filename or 'the database directory'}: {error.strerror}") from None


def _write_private(path: Path, content: dict[str, Any]) -> None:
    import yaml

    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        yaml.safe_dump(content, file, sort_keys=False)
