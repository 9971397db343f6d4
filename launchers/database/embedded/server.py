"""The server: a thread per client on a Unix socket that only its owner can reach."""

import logging
import os
import signal
import socket
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path

from launchers.database.embedded import wire
from launchers.database.embedded.commands import Commands
from launchers.database.embedded.home import Home
from launchers.database.embedded.storage import Storage

_log = logging.getLogger(__name__)


class _Client(socketserver.BaseRequestHandler):
    """One connection of a driver."""

    server: "_Listener"

    def handle(self) -> None:
        """Answer command after command until the client goes."""
        try:
            while (message := wire.receive(self.request)) is not None:
                reply = self.server.commands.run(message.command)
                if message.wants_reply:
                    wire.send(self.request, message, reply)
        except (ConnectionError, BrokenPipeError):
            return
        except Exception:
            # a message that is not one: this client is dropped, the others stay
            _log.exception("a connection is dropped")


class _Listener(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 256
    commands: Commands
    inode = 0

    def has_its_socket(self) -> bool:
        """Whether the socket is still the one that this server made."""
        try:
            return os.stat(self.server_address).st_ino == self.inode  # type: ignore[arg-type]
        except OSError:
            return False

    def service_actions(self) -> None:
        """Stop when the directory was deleted: nobody could ever reach, or stop, this server."""
        if not self.has_its_socket():
            self.stop()

    def stop(self) -> None:
        """Take no more clients; returns at once."""
        threading.Thread(target=self.shutdown, daemon=True).start()


def serve(home: Home, ready: Callable[[], None] = lambda: None) -> None:
    """Serve the directory until a signal or the `shutdown` command.

    Raises:
        AlreadyRunning: another server owns the directory.
        HomeError: the directory must not hold a database.
        sqlite3.Error: the file cannot be opened.
    """
    home.prepare()
    with home.owned():
        storage = Storage(home.data)
        listener = _listen(home.socket)
        listener.commands = Commands(storage, listener.stop)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: listener.stop())
        _log.info("process %d serves %s", os.getpid(), home.directory)
        ready()
        try:
            listener.serve_forever(poll_interval=0.5)
        finally:
            listener.commands.close()
            if listener.has_its_socket():
                home.socket.unlink()
            _log.info("stopped")


def _listen(path: Path) -> _Listener:
    # whoever holds the lock may take the socket of a server that was killed
    path.unlink(missing_ok=True)
    before = os.umask(0o177)
    try:
        listener = _Listener(str(path), _Client)
    finally:
        os.umask(before)
    listener.inode = path.stat().st_ino
    listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    return listener
