"""A `mongod` found on the PATH, started for this user alone: on a Unix socket, in a directory of its own."""

import shutil
import subprocess
import time
from pathlib import Path

from launchers.database.embedded.home import Home, HomeError
from launchers.database.embedded.process import ask_to_stop

# names the socket; nothing listens on the port
_PORT = "27017"


def home(directory: Path) -> Home:
    """The data directory of a private `mongod` below `directory`."""
    return Home(directory / "mongod", socket_name=f"mongodb-{_PORT}.sock")


def executable() -> str | None:
    """The `mongod` on the PATH, None if there is none."""
    return shutil.which("mongod")


def command(program: str, place: Home) -> list[str]:
    """The command line: no TCP address at all, sockets only in the private directory."""
    sockets = place.socket.parent
    return [
        program,
        *("--dbpath", str(place.directory / "data")),
        *("--bind_ip", str(sockets / "listen.sock")),
        *("--port", _PORT),
        *("--unixSocketPrefix", str(sockets)),
        *("--filePermissions", "0700"),
        *("--logpath", str(place.log)),
        "--logappend",
        *("--pidfilepath", str(place.directory / "pid")),
    ]


def start(program: str, place: Home, patience_s: float = 60.0) -> None:
    """Have a `mongod` on the directory: the one that runs, or a new one that outlives the caller.

    Raises:
        HomeError: the directory must not hold a database, or mongod does not come up.
    """
    if place.answers():
        return
    place.prepare()
    (place.directory / "data").mkdir(mode=0o700, exist_ok=True)
    child = subprocess.Popen(
        command(program, place),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    deadline = time.monotonic() + patience_s
    while not place.answers():
        # a mongod that lost the race against another exits; the winner answers
        if child.poll() is not None and time.monotonic() > deadline - patience_s + 5:
            raise HomeError(f"mongod does not start, it exited with {child.returncode} (log: {place.log})")
        if time.monotonic() > deadline:
            raise HomeError(f"mongod does not answer after {patience_s:.0f} s (log: {place.log})")
        time.sleep(0.05)


def stop(place: Home, patience_s: float = 60.0) -> bool:
    """Stop the `mongod` of the directory; False when none ran.

    Raises:
        HomeError: it does not stop.
    """
    if not place.answers():
        return False
    ask_to_stop(place.uri)
    deadline = time.monotonic() + patience_s
    while place.answers():
        if time.monotonic() > deadline:
            raise HomeError(f"mongod does not stop after {patience_s:.0f} s (log: {place.log})")
        time.sleep(0.05)
    return True
