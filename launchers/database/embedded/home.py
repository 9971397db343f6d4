"""The directory of a database: whose it is, which server owns it, where its socket is."""

import fcntl
import hashlib
import os
import platform
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# what the kernel takes in a socket's address, less the final zero
_MAX_SOCKET_PATH = 107


class HomeError(Exception):
    """A directory that must not hold a database; the message says what to do."""


class AlreadyRunning(Exception):
    """Another server owns the directory."""


@dataclass(frozen=True)
class Home:
    """A data directory of one server."""

    directory: Path
    socket_name: str = "mongodb.sock"

    @property
    def data(self) -> Path:
        """The SQLite file."""
        return self.directory / "data.sqlite"

    @property
    def log(self) -> Path:
        """Where the server writes what went wrong."""
        return self.directory / "server.log"

    @property
    def _pointer(self) -> Path:
        return self.directory / "socket.path"

    @property
    def socket(self) -> Path:
        """The socket; in a short directory of its own when the path here would be too long."""
        here = self.directory.resolve() / self.socket_name
        if len(os.fsencode(here)) <= _MAX_SOCKET_PATH:
            return here
        if self._pointer.exists():
            return Path(self._pointer.read_text().strip())
        digest = hashlib.sha256(os.fsencode(self.directory.resolve())).hexdigest()[:16]
        runtime = os.environ.get("XDG_RUNTIME_DIR", "")
        parent = Path(runtime) if runtime and len(runtime) < 50 and os.path.isdir(runtime) else Path("/tmp")
        return parent / f"latticefarm-{os.geteuid()}-{digest}" / self.socket_name

    @property
    def uri(self) -> str:
        """Where clients find the server."""
        return f"mongodb://{quote(str(self.socket), safe='')}/"

    def prepare(self) -> None:
        """Make the directories that are missing, mode 0700.

        Raises:
            HomeError: one belongs to somebody else, or others may enter it.
        """
        private_directory(self.directory)
        if self.socket.parent != self.directory.resolve():
            self._pointer.write_text(f"{self.socket}\n")
            private_directory(self.socket.parent)

    def answers(self) -> bool:
        """Whether a server of this user listens on the socket."""
        try:
            if self.socket.stat().st_uid != os.geteuid():
                return False
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(5)
                probe.connect(str(self.socket))
            return True
        except OSError:
            return False

    @contextmanager
    def owned(self, patience_s: float = 10.0) -> Iterator[None]:
        """Be the one server of this directory, for as long as the context lasts; the kernel frees the lock of a dead one.

        Raises:
            AlreadyRunning: another server has it, and answers or does not go away in `patience_s`.
        """
        handle = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._lock(handle, time.monotonic() + patience_s)
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()} {platform.node()}\n".encode())
            yield
        finally:
            os.close(handle)

    def _lock(self, handle: int, deadline: float) -> None:
        while True:
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self.answers() or time.monotonic() > deadline:
                    raise AlreadyRunning(str(self.directory)) from None
                time.sleep(0.05)

    def is_free(self) -> bool:
        """Whether no server owns the directory."""
        try:
            handle = os.open(self.directory / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            return False
        finally:
            os.close(handle)

    def process(self) -> int | None:
        """The process that owns the directory, None if nobody does."""
        try:
            return None if self.is_free() else int((self.directory / "lock").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    def other_machine(self) -> str | None:
        """The machine whose server owns the directory, None if it is this one or nobody does."""
        try:
            words = (self.directory / "lock").read_text().split()
        except OSError:
            return None
        return words[1] if len(words) == 2 and words[1] != platform.node() and not self.is_free() else None


def private_directory(directory: Path) -> None:
    """Make a directory that only its owner may enter, or check that one is so.

    Raises:
        HomeError: it is a link or a file, belongs to somebody else, or others may enter it.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise HomeError(f"{directory} is not a directory: choose another place for the database")
    if found.st_uid != os.geteuid():
        raise HomeError(
            f"{directory} belongs to user {found.st_uid}, you are user {os.geteuid()}: choose another place for the database"
        )
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise HomeError(
            f"{directory} has mode {mode:04o}, others could enter the database: chmod 700 {directory}"
        )
