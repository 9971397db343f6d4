"""How a command gets hold of the farm."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launchers.database.ladder import Database
    from launchers.farm import Farm


def open_farm(*, start: bool = False) -> Farm:
    """The farm in the database that the environment names, or in the one of this machine.

    One of this machine that has data is started if it does not run; with `start`, also a new one.

    Raises:
        DatabaseError: there is none, or it cannot be used; the message says what to do.
    """
    from launchers.farm import Farm

    return Farm.open(database(start=start))


def database(*, start: bool = False) -> Database:
    """The database of `open_farm`."""
    from launchers.database import ladder

    return ladder.start() if start or ladder.has_data() else ladder.running()
