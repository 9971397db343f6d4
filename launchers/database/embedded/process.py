"""The embedded server as a process: started apart from its caller, found again, stopped."""

import shutil
import subprocess
import sys
import time

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from launchers.database.embedded.home import Home, HomeError

_ALREADY_RUNNING = 3
_LEAST_FREE_BYTES = 1024 * 1024


def start(home: Home, patience_s: float = 60.0) -> None:
    """Have a server for the directory: the one that runs, or a new one that outlives the caller.

    Raises:
        HomeError: the directory must not hold a database, or the server does not come up.
    """
    if home.answers():
        return
    home.prepare()
    child = _spawn([sys.executable, "-m", "launchers.database.embedded", str(home.directory.resolve())], home)
    deadline = time.monotonic() + patience_s
    while not home.answers():
        code = child.poll()
        elsewhere = home.other_machine() if code == _ALREADY_RUNNING else None
        if elsewhere:
            raise HomeError(
                f"{home.directory} is served by {elsewhere}: use a real MongoDB, or a directory of this machine"
            )
        if code not in (None, _ALREADY_RUNNING):
            raise HomeError(f"the database does not start: {_last_line(home)} (log: {home.log})")
        if time.monotonic() > deadline:
            raise HomeError(f"the database does not answer after {patience_s:.0f} s (log: {home.log})")
        time.sleep(0.05)


def stop(home: Home, patience_s: float = 60.0) -> bool:
    """Stop the server of the directory after the command in hand; False when none ran.

    Raises:
        HomeError: it does not stop.
    """
    if home.is_free():
        return False
    ask_to_stop(home.uri)
    deadline = time.monotonic() + patience_s
    while not home.is_free():
        if time.monotonic() > deadline:
            raise HomeError(f"the database does not stop after {patience_s:.0f} s (log: {home.log})")
        time.sleep(0.02)
    return True


def ask_to_stop(uri: str) -> None:
    """Send the `shutdown` command; the server may be gone before it answers."""
    client: MongoClient = MongoClient(uri, serverSelectionTimeoutMS=5000)
    try:
        client.admin.command("shutdown")
    except PyMongoError:
        # it went before it could answer, or was gone already: the caller looks
        return
    finally:
        client.close()


def _spawn(command: list[str], home: Home) -> subprocess.Popen[bytes]:
    with home.log.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )


def _last_line(home: Home) -> str:
    lines = home.log.read_text(errors="replace").strip().splitlines()
    # on a full disk the log is cut short too
    if shutil.disk_usage(home.directory).free < _LEAST_FREE_BYTES:
        return f"disk full: {home.directory} needs at least 1 MB"
    return lines[-1] if lines else "it says nothing"
