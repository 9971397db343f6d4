"""How an allocation finds the database, and whether it can."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import dataclass

from launchers.database.ladder import Database, home
from launchers.database.uri import MongoURI
from launchers.machines.answers import Unanswered, answered

_THIS_HOST = re.compile(r"^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|/.*)(:\d+)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Reach:
    """The variables with which `latticefarm` finds the database in an allocation.

    `uri` is what a file of mode 0600 has to hold there, None where there is such a file already or none is needed.
    """

    variables: dict[str, str]
    uri: str | None = None

    @classmethod
    def of(cls, database: Database) -> Reach:
        variables = {"LATTICEFARM_HOME": str(home()), "LATTICEFARM_MONGO_DATABASE": database.name}
        if folder := os.environ.get("LATTICEFARM_CHECKPOINTS"):
            variables["LATTICEFARM_CHECKPOINTS"] = os.path.abspath(os.path.expanduser(folder))
        if database.kind != "given":
            return cls(variables)
        if os.environ.get("LATTICEFARM_MONGO_URI", "").strip():
            return cls(variables, database.uri)
        path = os.environ.get("LATTICEFARM_MONGO_URI_FILE") or str(home() / "mongo_uri")
        return cls({**variables, "LATTICEFARM_MONGO_URI_FILE": os.path.abspath(os.path.expanduser(path))})


def of_this_host(database: Database) -> str:
    """What about a database can be reached from this host alone; empty where nothing is known to."""
    if database.kind != "given":
        return f"the {database.kind} database of this machine"
    hosts = MongoURI(database.uri).hosts.split(",")
    return f"the database on {hosts[0]}" if all(_THIS_HOST.match(one) for one in hosts) else ""


def is_on_this_host(scheduler: str) -> bool:
    """Whether all nodes of the scheduler are this host (known of Slurm alone)."""
    if scheduler != "slurm":
        return False
    try:
        nodes = set(answered(["sinfo", "-h", "-N", "-o", "%N"]).split())
    except Unanswered:
        return False
    return nodes == {socket.gethostname().partition(".")[0]}
