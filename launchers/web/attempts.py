"""How often a password may be tried: a few times for each address, and not often by all together."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

WINDOW_S = 300.0
OF_ONE, OF_ALL = 5, 50  # wrong passwords in that time


@dataclass
class Attempts:
    """The wrong passwords of the last minutes, in the memory of the server."""

    _wrong: deque[tuple[float, str]] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_s(self, address: str) -> float:
        """How long `address` has to wait before it may try again; 0: not at all."""
        with self._lock:
            now = time.monotonic()
            while self._wrong and self._wrong[0][0] <= now - WINDOW_S:
                self._wrong.popleft()
            mine = [when for when, who in self._wrong if who == address]
            every = [when for when, _ in self._wrong]
            ends = [times[-limit] + WINDOW_S for times, limit in ((mine, OF_ONE), (every, OF_ALL)) if len(times) >= limit]
            return max([end - now for end in ends], default=0.0)

    def wrong(self, address: str) -> None:
        """Count a wrong password."""
        with self._lock:
            self._wrong.append((time.monotonic(), address))
