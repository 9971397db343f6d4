"""A value that is renewed behind the backs of those who look at it: however many look, the database is asked once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Value = TypeVar("Value")

FRESH_S = 5.0
REST = 10.0  # times what a renewal took: it may cost a tenth of a core
WAIT_S = 2.0  # for which one who looks waits for what is long out of date


@dataclass
class Kept(Generic[Value]):
    """What `make` gives: made when somebody first asks, renewed in a thread when somebody asks and it is not fresh."""

    make: Callable[[], Value]
    _value: Value | None = None
    _made: float = 0.0
    _took: float = 0.0
    _error: Exception | None = None
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self) -> Value:
        """The value as it was last made.

        Raises:
            Exception: what `make` raised, where it has never given a value, or not since.
        """
        with self._lock:
            age = time.monotonic() - self._made
            fresh = self._made > 0 and age < max(FRESH_S, REST * self._took)
            if not fresh and (self._thread is None or not self._thread.is_alive()):
                self._thread = threading.Thread(target=self._renew, daemon=True)
                self._thread.start()
            thread = self._thread
        if not fresh and thread is not None:
            first = self._value is None
            thread.join(None if first else WAIT_S if age > 2 * max(FRESH_S, REST * self._took) else 0.0)
        if self._error is not None:
            raise self._error
        assert self._value is not None
        return self._value

    def is_out_of_date(self) -> None:
        """Something was changed: who looks next waits for what it is now."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()  # it may have read what was there before
        with self._lock:
            self._made = -1e9

    def _renew(self) -> None:
        began = time.monotonic()
        try:
            self._value, self._error = self.make(), None
        except Exception as error:  # the one who looks is told; the next look tries again
            self._error = error
        self._made = time.monotonic()
        self._took = self._made - began
