"""A MongoDB that does not know the password, as far as a client sees it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from launchers.database.embedded import wire


@contextmanager
def refusing_mongodb() -> Iterator[int]:
    """It listens on the port that is given, until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_refuse, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def _refuse(listener: socket.socket) -> None:
    hello = {"ok": 1.0, "helloOk": True, "isWritablePrimary": True, "maxWireVersion": 17, "minWireVersion": 0}
    hello |= {"saslSupportedMechs": ["SCRAM-SHA-256"], "maxBsonObjectSize": 1 << 24}
    refusal = {"ok": 0.0, "code": 18, "codeName": "AuthenticationFailed", "errmsg": "Authentication failed."}

    def talk(connection: socket.socket) -> None:
        while (message := wire.receive(connection)) is not None:
            name = next(iter(message.command)).lower()
            wire.send(connection, message, hello if name in ("hello", "ismaster") else refusal)

    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=talk, args=(connection,), daemon=True).start()
