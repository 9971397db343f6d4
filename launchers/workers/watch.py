"""A watch over signals: Python's own handlers wait until compiled code returns, a thread does not."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread


@contextmanager
def watch(asks: Callable[[int], bool], asked: Callable[[], object], grace_s: float) -> Iterator[None]:
    """End this process `grace_s` after a signal that `asks` for it, unless this context is left before.

    `asked` is called at once, in a thread. Compiled code that keeps Python's lock holds up this too.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    over = Event()
    # a forked child has the same pipe: what it is sent is not meant for this process
    os.register_at_fork(after_in_child=_deaf)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    Thread(target=_wait, args=(reader, asks, asked, over, grace_s), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(before)
        os.close(writer)


def _wait(reader: int, asks: Callable[[int], bool], asked: Callable[[], object], over: Event, grace_s: float) -> None:
    while number := os.read(reader, 1):
        if asks(number[0]):
            asked()
            if not over.wait(grace_s):
                os._exit(0)
    os.close(reader)


def _deaf() -> None:
    signal.set_wakeup_fd(-1)
