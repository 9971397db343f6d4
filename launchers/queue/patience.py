"""Patience: a database may be away for minutes; what asks it goes on when it is back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from pymongo.errors import ConnectionFailure, ExecutionTimeout, PyMongoError

T = TypeVar("T")

# the connection, not the request: worth trying again (a refused password is not)
DATABASE_AWAY = (ConnectionFailure, ExecutionTimeout)
DATABASE_ERRORS = (PyMongoError,)


def patiently(
    action: Callable[[], T],
    for_s: float = 600.0,
    pause_s: float = 1.0,
    meanwhile: Callable[[], object] = lambda: None,
) -> T:
    """What `action`, which must bear to be begun again, returns; tried until the database has been away too long.

    `meanwhile` is called before each new try: it may bring the database back.

    Raises:
        ConnectionFailure: it is still away after `for_s` seconds.
    """
    give_up = time.monotonic() + for_s
    while True:
        try:
            return action()
        except DATABASE_AWAY:
            if time.monotonic() >= give_up:
                raise
            time.sleep(pause_s)
            meanwhile()
