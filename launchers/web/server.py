"""The server of the web app: waitress, on this machine alone unless told otherwise."""

from __future__ import annotations

import logging
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

THREADS = 8
WARMED = "latticefarm.warmed"  # of the extensions of an app: what is called when its server begins


def serve(app: Flask, host: str, port: int, *, behind_proxy: bool = False) -> None:
    """Answer until Ctrl-C; `behind_proxy` as of the app.

    Raises:
        OSError: the port is taken, or the address is none of this machine.
    """
    server = made_server(app, host, port, behind_proxy=behind_proxy)
    Thread(target=_warm, args=(app,), name="warm", daemon=True).start()
    server.run()


def made_server(app: Flask, host: str, port: int, *, behind_proxy: bool = False) -> Any:
    """The server of `serve`, which answers when it is run."""
    from waitress.server import create_server

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it names each request that waits for a thread for a moment
    return create_server(app, host=host, port=port, threads=THREADS, ident=None, clear_untrusted_proxy_headers=not behind_proxy)


def _warm(app: Flask) -> None:
    for warm in app.extensions.get(WARMED, ()):
        try:
            warm()
        except Exception as error:  # who looks is told
            app.logger.error("the first look has failed: %s", type(error).__name__)
