"""The server of the web app: waitress, on this machine alone unless told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

THREADS = 8


def serve(app: Flask, host: str, port: int) -> None:
    """Answer until Ctrl-C.

    Raises:
        OSError: the port is taken, or the address is none of this machine.
    """
    from waitress.server import create_server

    server = create_server(app, host=host, port=port, threads=THREADS, ident=None)
    server.run()
