"""How a command gets hold of the farm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaign.cli.errors import UsageError

if TYPE_CHECKING:
    from launchers.database import Database
    from launchers.farm import Farm


def open_farm(*, start: bool = False) -> Farm:
    """The farm in the database that the environment names, or in the one of this machine.

    With `start`, a database of this machine is started if there is none.

    Raises:
        UsageError: there is no database.
    """
    from launchers.farm import Farm

    return Farm.open(database(start=start))


def database(*, start: bool = False) -> Database:
    """The database to use.

    Raises:
        UsageError: none is there; the message says how to get one.
    """
    from launchers import database as ladder

    found = ladder.find() or (ladder.start() if start else None)
    if found is None:
        raise UsageError(
            "no database: none runs on this machine and LATTICEFARM_MONGO_URI names none; "
            "start one with `latticefarm db start`"
        )
    return found
