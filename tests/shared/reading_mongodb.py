"""A MongoDB whose user has the role `read`, as far as a client sees it: in front of a server that refuses nothing."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

import bson

from launchers.database.embedded import wire

READS = {"hello", "ismaster", "ping", "find", "getmore", "killcursors", "aggregate", "count", "distinct", "listcollections", "listindexes", "dbstats", "collstats", "endsessions", "buildinfo"}
ROLE = [{"resource": {"db": "", "collection": ""}, "actions": ["find", "listCollections", "listIndexes", "dbStats", "collStats"]}]


@contextmanager
def reading_mongodb(uri: str, *, role: list[dict[str, Any]] = ROLE) -> Iterator[str]:
    """Its URI, until the end of the block; `uri` is that of an embedded server."""
    path = unquote(uri.removeprefix("mongodb://").partition("/")[0])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, path, role), daemon=True).start()
        yield f"mongodb://127.0.0.1:{listener.getsockname()[1]}/"


def _serve(listener: socket.socket, path: str, role: list[dict[str, Any]]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_talk, args=(connection, path, role), daemon=True).start()


def _talk(connection: socket.socket, path: str, role: list[dict[str, Any]]) -> None:
    with socket.socket(socket.AF_UNIX) as behind:
        behind.connect(path)
        while (message := wire.receive(connection)) is not None:
            wire.send(connection, message, _answer(message.command, behind, role))


def _answer(command: dict[str, Any], behind: socket.socket, role: list[dict[str, Any]]) -> dict[str, Any]:
    name = next(iter(command))
    if name == "connectionStatus":
        return {"authInfo": {"authenticatedUserPrivileges": role}, "ok": 1.0}
    if name.lower() not in READS:
        return {"ok": 0.0, "code": 13, "codeName": "Unauthorized", "errmsg": f"not authorized on {command['$db']} to execute command {name}"}
    payload = b"\0\0\0\0\0" + bson.encode(command)
    behind.sendall(struct.pack("<iiii", 16 + len(payload), 1, 0, 2013) + payload)
    reply = wire.receive(behind)
    assert reply is not None
    return reply.command
