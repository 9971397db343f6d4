"""The commands, by name; one at a time, except those that need no data."""

import datetime
import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping
from typing import Any

import bson

from launchers.database.embedded import arguments
from launchers.database.embedded.catalog import Catalog
from launchers.database.embedded.cursors import Cursors, Stream
from launchers.database.embedded.errors import CommandError, bad_value, internal, of_sqlite
from launchers.database.embedded.planning import Query
from launchers.database.embedded.predicates import whole_number
from launchers.database.embedded.reading import Joined, Reader
from launchers.database.embedded.stages import ordering
from launchers.database.embedded.storage import Storage
from launchers.database.embedded.wire import MAX_BATCH, MAX_DOCUMENT_BYTES, MAX_MESSAGE_BYTES
from launchers.database.embedded.writing import Writer

Command = Mapping[str, Any]
Reply = dict[str, Any]
Table = dict[str, Callable[[Command], Reply]]

_log = logging.getLogger(__name__)


class Commands:
    """Everything that the server can be asked."""

    def __init__(self, storage: Storage, stop: Callable[[], None]) -> None:
        self._storage = storage
        self._cursors = Cursors()
        self._lock = threading.Lock()
        self._stop = stop
        self._closed = False
        catalog = Catalog(storage, self._cursors)
        self._free = self._without_data()
        self._reads = self._reading(catalog)
        self._writes = self._writing(catalog)

    def _without_data(self) -> Table:
        return {
            "hello": _hello,
            "ismaster": _hello,
            "ping": _done,
            "endsessions": _done,
            "buildinfo": _build_info,
            "connectionstatus": lambda _: {"authInfo": {"authenticatedUsers": []}, "ok": 1.0},
            "compact": _done,
            "shutdown": self._shut_down,
        }

    def _reading(self, catalog: Catalog) -> Table:
        return {
            "find": self._find,
            "getmore": lambda c: self._cursors.next(c["getMore"], c.get("batchSize")),
            "killcursors": lambda c: self._cursors.kill(list(c["cursors"])),
            "aggregate": self._aggregate,
            "count": self._count,
            "distinct": self._distinct,
            "listcollections": catalog.list_collections,
            "listdatabases": catalog.list_databases,
            "listindexes": catalog.list_indexes,
            "collstats": catalog.collection_statistics,
            "dbstats": catalog.database_statistics,
        }

    def _writing(self, catalog: Catalog) -> Table:
        return {
            "insert": lambda c: self._writer(c, "insert").insert(c),
            "update": lambda c: self._writer(c, "update").update(c),
            "delete": lambda c: self._writer(c, "delete").delete(c),
            "findandmodify": lambda c: self._writer(c, "findAndModify").find_and_modify(c),
            "create": catalog.create,
            "drop": catalog.drop,
            "renamecollection": catalog.rename,
            "dropdatabase": catalog.drop_database,
            "createindexes": catalog.create_indexes,
            "dropindexes": catalog.drop_indexes,
        }

    def close(self) -> None:
        """Close the storage after the command in hand."""
        with self._lock:
            self._closed = True
            self._storage.close()

    def run(self, command: Command) -> Reply:
        """The reply to a command; a failure is a reply too."""
        name = next(iter(command), "")
        try:
            return self._run(name.lower(), command)
        except CommandError as error:
            return error.reply()
        except sqlite3.Error as error:
            _log.warning("%s: %s", name, error)
            return of_sqlite(error).reply()
        except Exception as error:
            # whatever a client sends, it gets an answer
            _log.exception("%s", name)
            return internal(error).reply()

    def _run(self, name: str, command: Command) -> Reply:
        if name in self._free:
            return self._free[name](command)
        if name in self._reads:
            with self._lock:
                self._check_open()
                return self._reads[name](command)
        if name in self._writes:
            with self._lock:
                self._check_open()
                with self._storage.transaction():
                    return self._writes[name](command)
        raise CommandError(59, "CommandNotFound", f"no such command: '{next(iter(command), '')}'")

    def _check_open(self) -> None:
        if self._closed:
            # drivers take this as a lost connection: what asks again finds the next server
            raise CommandError(91, "ShutdownInProgress", "the database is stopping")

    def _shut_down(self, command: Command) -> Reply:
        del command
        self._stop()
        return {"ok": 1.0}

    def _reader(self, command: Command, name: str) -> Reader:
        arguments.check(command, name)
        if not isinstance(command[name], str) or not command[name]:
            raise bad_value(f"{name} needs the name of a collection")
        collection = self._storage.collection(command["$db"], command[name])
        arguments.check_hint(command, collection)
        return Reader(self._storage, collection)

    def _writer(self, command: Command, name: str) -> Writer:
        given = command.get(name, command.get(name.lower()))
        if not isinstance(given, str) or not given:
            raise bad_value(f"{name} needs the name of a collection")
        return Writer(self._storage, command["$db"], given)

    def _find(self, command: Command) -> Reply:
        limit = whole_number(command.get("limit") or 0, "limit")
        order = ordering(arguments.document(command, "sort"))
        hint = command.get("hint")
        if not order and isinstance(hint, Mapping) and "$natural" in hint:
            order = ordering(hint)
        query = Query(
            arguments.document(command, "filter"),
            order,
            arguments.natural(command, "skip"),
            abs(limit),
            arguments.document(command, "projection"),
            arguments.variables(command),
        )
        stream = self._reader(command, "find").open(query)
        single = bool(command.get("singleBatch")) or limit < 0
        return self._cursors.first(_namespace(command, "find"), stream, _batch(command), single)

    def _aggregate(self, command: Command) -> Reply:
        if not isinstance(command["aggregate"], str):
            raise CommandError(
                115, "CommandNotSupported", "the embedded database aggregates collections only"
            )
        if command.get("explain"):
            raise CommandError(115, "CommandNotSupported", "the embedded database explains no plans")
        reader = self._reader(command, "aggregate")
        source = Joined(self._storage, command["$db"])
        results = reader.aggregate(command.get("pipeline"), source, arguments.variables(command))
        stream = Stream(iter([bson.encode(one) for one in results]))
        size = _batch(arguments.document(command, "cursor"))
        return self._cursors.first(_namespace(command, "aggregate"), stream, size)

    def _count(self, command: Command) -> Reply:
        # a negative limit counts as its amount
        limit = abs(whole_number(command.get("limit") or 0, "limit"))
        query = Query(arguments.document(command, "query"), skip=arguments.natural(command, "skip"), limit=limit)
        return {"n": self._reader(command, "count").count(query), "ok": 1.0}

    def _distinct(self, command: Command) -> Reply:
        reader, key = self._reader(command, "distinct"), command.get("key")
        if not isinstance(key, str) or not all(key.split(".")):
            raise bad_value("distinct needs the name of a field")
        return {"values": reader.distinct(key, arguments.document(command, "query")), "ok": 1.0}


def _batch(command: Command) -> int | None:
    return None if command.get("batchSize") is None else arguments.natural(command, "batchSize")


def _namespace(command: Command, name: str) -> str:
    return f"{command['$db']}.{command[name]}"


def _done(command: Command) -> Reply:
    del command
    return {"ok": 1.0}


def _hello(command: Command) -> Reply:
    del command
    return {
        "helloOk": True,
        "isWritablePrimary": True,
        "ismaster": True,
        "maxBsonObjectSize": MAX_DOCUMENT_BYTES,
        "maxMessageSizeBytes": MAX_MESSAGE_BYTES,
        "maxWriteBatchSize": MAX_BATCH,
        "localTime": datetime.datetime.now(datetime.UTC),
        "minWireVersion": 0,
        "maxWireVersion": 17,
        "readOnly": False,
        "ok": 1.0,
    }


def _build_info(command: Command) -> Reply:
    del command
    version = {"version": "6.0.0", "versionArray": [6, 0, 0, 0], "maxBsonObjectSize": MAX_DOCUMENT_BYTES}
    return version | {"latticefarm": "embedded", "ok": 1.0}
