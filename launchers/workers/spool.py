"""The spool: finished work on the disk of this host, while the database is away.

One file for each thing that is to be written, in `spool` in `LATTICEFARM_HOME`, in a folder for each database. Its first
line holds the sha256 of the rest. It is removed when the database has what it holds; the next worker or node on this
host delivers what dead ones left.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkstemp
from threading import Lock, Timer
from typing import Any
from uuid import uuid4

import bson

from launchers.queue.processes import Processes, ProcessName

AFTER_S = 2.0  # a write that takes longer may be waiting for a database that does not come back
_FIRST = "latticefarm spool 1 sha256 "
_SUFFIX = ".spool"
_ASIDE = ".damaged"


class DamagedError(Exception):
    """A file that does not hold what was written into it."""


@dataclass(frozen=True)
class Spool:
    """What waits on this host for one database."""

    directory: Path

    @classmethod
    def of(cls, identity: str) -> Spool:
        """That for the database of this identity."""
        return cls(_root() / identity[:16])

    def keep(self, content: dict[str, Any]) -> Path | None:
        """Write `content`, whole or not at all, so that a loss of power leaves it; None where the disk cannot take it."""
        path = self.directory / f"{uuid4().hex}{_SUFFIX}"
        try:
            body = bson.encode({**content, **_writer()})
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_whole(path, f"{_FIRST}{hashlib.sha256(body).hexdigest()}\n".encode() + body)
        except (OSError, OverflowError, bson.errors.BSONError) as error:
            print(f"finished work cannot be kept in {self.directory} ({error}): it waits in memory alone", flush=True)
            return None
        return path

    def contents(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """What is there, oldest first. What is damaged is named and set aside."""
        for path in sorted(self.directory.glob(f"*{_SUFFIX}"), key=_age):
            try:
                content = read(path)
            except FileNotFoundError:
                continue  # delivered meanwhile
            except DamagedError as error:
                print(f"{path}: {error}; set aside", flush=True)
                with suppress(OSError):
                    path.rename(path.with_suffix(_ASIDE))
                continue
            yield path, content

    @contextmanager
    def holding(self, content: dict[str, Any]) -> Iterator[Kept]:
        """Within it, `content` is kept on disk when asked, or when it takes too long; once it is left well, it is not.

        Left by an exception that is no `Exception` (a drain), the file stays.
        """
        kept = Kept(self, content)
        timer = Timer(AFTER_S, kept.now)
        timer.daemon = True
        timer.start()
        try:
            yield kept
        except Exception:
            kept.remove(timer)
            raise
        else:
            kept.remove(timer)
        finally:
            timer.cancel()


@dataclass
class Kept:
    """Something on its way to the database, on the disk or not yet."""

    spool: Spool
    content: dict[str, Any]
    path: Path | None = None
    _once: Lock = field(default_factory=Lock)

    def now(self) -> None:
        """Keep it on disk, unless it is there."""
        with self._once:
            if self.path is None:
                self.path = self.spool.keep(self.content)

    def remove(self, timer: Timer) -> None:
        """The database has it, or refuses it."""
        timer.cancel()
        timer.join()
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any]:
    """What was written into a file of the spool.

    Raises:
        DamagedError: it does not hold that any more.
        FileNotFoundError: it is not there.
    """
    first, _, body = path.read_bytes().partition(b"\n")
    if first.decode("ascii", "replace") != f"{_FIRST}{hashlib.sha256(body).hexdigest()}":
        raise DamagedError("its sha256 is not the one in its first line")
    try:
        return bson.decode(body)
    except bson.errors.InvalidBSON as error:
        raise DamagedError(str(error)) from None


def set_aside() -> list[tuple[Path, float]]:
    """What was found damaged, for whichever database, and the Unix time at which each was written, oldest first."""
    return sorted(((path, _age(path)) for path in _root().glob(f"*/*{_ASIDE}")), key=lambda one: one[1])


def _root() -> Path:
    from launchers.database.ladder import home

    return home() / "spool"


def _writer() -> dict[str, Any]:
    return {"writer": str(ProcessName.mine()), "boot": Processes.mine().boot, "namespace": Processes.mine().namespace}


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _write_whole(path: Path, content: bytes) -> None:
    number, name = mkstemp(prefix=".unfinished-", dir=path.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
