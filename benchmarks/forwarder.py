"""`python forwarder.py LISTEN TARGET`: hands connections to one Unix socket on to another, as the network of one host.

Killed, it is a cut cable whose ends both notice; stopped, one that nobody notices.
"""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

CHUNK = 1 << 16


def main() -> int:
    listen, target = Path(sys.argv[1]), sys.argv[2]
    listen.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(listen))
        server.listen(256)
        while True:
            threading.Thread(target=join, args=(server.accept()[0], target), daemon=True).start()


def join(near: socket.socket, target: str) -> None:
    """Hand bytes on both ways until one end closes."""
    with near, socket.socket(socket.AF_UNIX) as far:
        try:
            far.connect(target)
        except OSError:
            return
        back = threading.Thread(target=hand_on, args=(far, near), daemon=True)
        back.start()
        hand_on(near, far)
        back.join()


def hand_on(source: socket.socket, sink: socket.socket) -> None:
    """Until either end closes; then both do."""
    with suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    sys.exit(main())
