"""Cursors: results that a client fetches in batches, forgotten when nobody comes back."""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bson import Int64
from bson.raw_bson import RawBSONDocument

from launchers.database.embedded.errors import CommandError

FIRST_BATCH = 101
# far below the 16 MB of a reply: blobs must not pile up in memory
BATCH_BYTES = 4 * 1024 * 1024
IDLE_SECONDS = 600.0


def _nothing() -> None:
    """A stream that reads nothing outside has nothing to pause."""


@dataclass
class Stream:
    """Documents as bytes; `pause` is called before other commands run."""

    documents: Iterator[bytes]
    pause: Callable[[], None] = _nothing
    _held: list[bytes] = field(default_factory=list)

    def batch(self, size: int) -> tuple[list[RawBSONDocument], bool]:
        """The next `size` documents or fewer, and whether more follow."""
        taken: list[RawBSONDocument] = []
        room = BATCH_BYTES
        for raw in itertools.chain(self._taken(), self.documents):
            if len(taken) == size or (taken and len(raw) > room):
                self._held.append(raw)
                self.pause()
                return taken, True
            taken.append(RawBSONDocument(raw))
            room -= len(raw)
        return taken, False

    def _taken(self) -> Iterator[bytes]:
        while self._held:
            yield self._held.pop()


@dataclass
class _Open:
    namespace: str
    stream: Stream
    used: float


class Cursors:
    """The cursors of all clients."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self._numbers = itertools.count(1_000_000)

    def first(self, namespace: str, stream: Stream, size: int | None, single: bool = False) -> dict[str, Any]:
        """The reply with the first batch; `single` leaves no cursor behind."""
        documents, more = stream.batch(FIRST_BATCH if size is None else size)
        number = 0
        if more and not single:
            self._expire()
            number = next(self._numbers)
            self._open[number] = _Open(namespace, stream, time.monotonic())
        return {"cursor": {"id": Int64(number), "ns": namespace, "firstBatch": documents}, "ok": 1.0}

    def next(self, number: int, size: int | None) -> dict[str, Any]:
        """The reply with the next batch.

        Raises:
            CommandError: no such cursor: it was killed, or nobody used it for too long.
        """
        cursor = self._open.get(number)
        if cursor is None:
            raise CommandError(43, "CursorNotFound", f"cursor id {number} not found")
        cursor.used = time.monotonic()
        documents, more = cursor.stream.batch(size or 1_000_000)
        if not more:
            self._open.pop(number, None)
        reply = {"id": Int64(number if more else 0), "ns": cursor.namespace, "nextBatch": documents}
        return {"cursor": reply, "ok": 1.0}

    def kill(self, numbers: list[int]) -> dict[str, Any]:
        """Forget cursors."""
        killed = [number for number in numbers if self._open.pop(number, None) is not None]
        missing = [number for number in numbers if number not in killed]
        return {
            "cursorsKilled": killed,
            "cursorsNotFound": missing,
            "cursorsAlive": [],
            "cursorsUnknown": [],
            "ok": 1.0,
        }

    def _expire(self) -> None:
        limit = time.monotonic() - IDLE_SECONDS
        for number in [n for n, cursor in self._open.items() if cursor.used < limit]:
            del self._open[number]
