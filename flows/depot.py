"""Checkpoints in the database, where the next host finds them: files of GridFS, each under the key of its work.

The running job reaches them through the additional store `checkpoints` of its job store; where there is none (an
environment that was written before), checkpoints are local alone. A file is there when it is there whole: GridFS
writes its document last. What lies there is believed only if its sha256 is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from flows.checkpoints import write_whole

STORE = "checkpoints"
FORGOTTEN = timedelta(days=30)  # nobody asks any more for work whose checkpoints are that old
PIECE = 2**20  # bytes; a file of a few of them is a few messages


class NotCarried(Exception):
    """An upload was given up before its end; nothing of it is there."""


@dataclass(frozen=True)
class Stowed:
    """One file in the database. `name` is its path below the directory of its work, `about` what its owner told."""

    id: str
    name: str
    sha256: str
    length: int
    about: dict[str, Any]


class Depot:
    """The files of the work `key` in the additional store `checkpoints` of a job store."""

    def __init__(self, key: str, store: Any) -> None:
        self.key, self._store = key, store

    @classmethod
    def of_running_job(cls, key: str) -> Depot | None:
        """That which the running job can reach, if any."""
        from jobflow import CURRENT_JOB

        store = _checkpoints_of(CURRENT_JOB.store)
        return None if store is None else cls(key, store)

    def listed(self, below: str = "") -> list[Stowed]:
        """What is there, of names that begin with `below`, oldest first."""
        found = self._store._files_collection.find({"metadata.key": self.key}).sort("uploadDate", 1)
        stowed = [
            Stowed(one["_id"], one["filename"], one["metadata"]["sha256"], one["length"], one["metadata"]["about"])
            for one in found
            if one["filename"]
        ]
        return [one for one in stowed if one.name.startswith(below)]

    def put(self, path: Path, name: str, about: dict[str, Any], wanted: Callable[[], bool] = lambda: True) -> Stowed:
        """Store a file, whole or not at all; given up between two pieces where it is no longer `wanted`.

        Raises:
            NotCarried: it was given up.
            FileNotFoundError: the file has gone.
            Exception: what the database raised.
        """
        sha256 = _sha256_of(path)
        self._announce()
        stowed = Stowed(f"{self.key}/{uuid4().hex}", name, sha256, path.stat().st_size, about)
        metadata = {"key": self.key, "sha256": sha256, "about": about}
        try:
            with path.open("rb") as file:
                self._store._collection.put(
                    _Pieces(file, wanted), _id=stowed.id, filename=name, metadata=metadata, chunk_size=PIECE
                )
        except BaseException:
            self._clean(stowed.id)
            raise
        return stowed

    def fetch(self, stowed: Stowed, path: Path) -> bool:
        """Write a file to `path`, whole or not at all. False: it is damaged, or somebody has just removed it.

        Raises:
            OSError: it cannot be written.
        """
        import hashlib

        try:
            content = self._store._collection.get(stowed.id).read()
        except Exception as error:
            if type(error).__module__.startswith("gridfs"):
                return False
            raise
        if hashlib.sha256(content).hexdigest() != stowed.sha256:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
        return True

    def remove(self, stowed: Iterable[Stowed]) -> None:
        """Remove these; one that is gone already is no trouble."""
        for one in stowed:
            self._store._collection.delete(one.id)

    def clear(self) -> None:
        """Remove all of this work, and what a killed process had begun to write."""
        # identifiers begin with the key: "0" follows "/"
        pieces = {"files_id": {"$gte": f"{self.key}/", "$lt": f"{self.key}0"}}
        self._store._chunks_collection.delete_many(pieces)
        # last: while it is there, the key is found again
        self._store._files_collection.delete_many({"metadata.key": self.key})

    def _announce(self) -> None:
        """An empty file that says that the database holds something of this work, whole or not."""
        self._store._files_collection.update_one(
            {"_id": f"{self.key}/"},
            {
                "$set": {"uploadDate": datetime.now(UTC)},
                "$setOnInsert": {"filename": "", "length": 0, "chunkSize": PIECE, "metadata": {"key": self.key}},
            },
            upsert=True,
        )

    def _clean(self, identifier: str) -> None:
        try:
            self._store._collection.delete(identifier)
        except Exception as error:  # as when the database has gone: `clear` finds the pieces
            print(f"what was uploaded of a checkpoint is left ({type(error).__name__})", flush=True)


class _Pieces:
    """A file to read from, as GridFS does, as long as it is wanted."""

    def __init__(self, file: IO[bytes], wanted: Callable[[], bool]) -> None:
        self._file, self._wanted = file, wanted

    def read(self, size: int) -> bytes:
        if not self._wanted():
            raise NotCarried
        return self._file.read(size)


def keys_in(job_store: Any) -> set[str]:
    """The work that has something in the database of this job store."""
    store = _checkpoints_of(job_store)
    return set() if store is None else set(store.distinct("key"))


def sweep(job_store: Any, delivered: Iterable[str]) -> None:
    """Remove what there is of work that is delivered, and of work of which nobody has written for `FORGOTTEN`."""
    store = _checkpoints_of(job_store)
    if store is None:
        return
    limit = datetime.now(UTC) - FORGOTTEN
    old = set(store.distinct("key", {"uploadDate": {"$lt": limit}}))
    if old:
        old -= set(store.distinct("key", {"uploadDate": {"$gte": limit}}))
    for key in old | set(delivered):
        Depot(key, store).clear()


def _checkpoints_of(job_store: Any) -> Any:
    """The GridFS store for checkpoints, None where the job store has no such thing."""
    store = (getattr(job_store, "additional_stores", None) or {}).get(STORE)
    return store if hasattr(store, "_chunks_collection") else None


def _sha256_of(path: Path) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
