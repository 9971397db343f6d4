"""Where work that is killed finds what it had done: one directory per key, files written whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from flows.keys import job_uuid

HOME_VARIABLE = "LATTICEFARM_HOME"
CHECKPOINTS_VARIABLE = "LATTICEFARM_CHECKPOINTS"


def root() -> Path:
    """`$LATTICEFARM_CHECKPOINTS`, else `$LATTICEFARM_HOME/checkpoints`, else `~/.latticefarm/checkpoints`."""
    home = os.environ.get(HOME_VARIABLE) or "~/.latticefarm"
    return Path(os.environ.get(CHECKPOINTS_VARIABLE) or os.path.join(home, "checkpoints")).expanduser()


def directory_of(key: str) -> Path:
    """That of the work `key`, below `root()`."""
    return root() / key


def keys_with_checkpoints() -> list[str]:
    """The work that has some."""
    return sorted(path.name for path in root().glob("*") if path.is_dir())


def sweep_delivered() -> None:
    """Inside a job: remove the checkpoints of work whose record is stored. Before, a kill would cost the work."""
    from jobflow import CURRENT_JOB

    keys = {job_uuid(key): key for key in keys_with_checkpoints()}
    for document in CURRENT_JOB.store.query({"uuid": {"$in": list(keys)}}, properties=["uuid"]):
        shutil.rmtree(directory_of(keys[document["uuid"]]), ignore_errors=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that whoever finds it finds all of it, after a kill or a loss of power too.

    Raises:
        OSError: it cannot be written (a full disk, a directory that is not ours); nothing is left of it.
    """
    unfinished = path.with_suffix(".unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
