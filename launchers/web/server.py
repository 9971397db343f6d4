"""The server of the web app: waitress, on this machine alone unless told otherwise."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

THREADS = 8
WARMED = "latticefarm.warmed"  # of the extensions of an app: what is called when its server begins


def serve(app: Flask, host: str, port: int) -> None:
    """Answer until Ctrl-C.

    Raises:
        OSError: the port is taken, or the address is none of this machine.
    """
    from waitress.server import create_server

    server = create_server(app, host=host, port=port, threads=THREADS, ident=None)
    Thread(target=_warm, args=(app,), name="warm", daemon=True).start()
    server.run()


def _warm(app: Flask) -> None:
    for warm in app.extensions.get(WARMED, ()):
        try:
            warm()
        except Exception as error:  # who looks is told
            app.logger.error("the first look has failed: %s", type(error).__name__)
