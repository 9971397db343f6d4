"""Where work that is killed finds what it had done: one directory per key, files written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

HOME_VARIABLE = "LATTICEFARM_HOME"
CHECKPOINTS_VARIABLE = "LATTICEFARM_CHECKPOINTS"
# how one that is passed over is named
HERE, ELSEWHERE, OTHERS = "on disk", "in the database", "of another run, or of other packages"


def root() -> Path:
    """`$LATTICEFARM_CHECKPOINTS`, else `$LATTICEFARM_HOME/checkpoints`, else `~/.latticefarm/checkpoints`."""
    home = os.environ.get(HOME_VARIABLE) or "~/.latticefarm"
    return Path(os.environ.get(CHECKPOINTS_VARIABLE) or os.path.join(home, "checkpoints")).expanduser()


def is_shared() -> bool:
    """Whether the user has named the folder: then all machines see it."""
    return bool(os.environ.get(CHECKPOINTS_VARIABLE))


def directory_of(key: str) -> Path:
    """That of the work `key`, below `root()`."""
    return root() / key


def keys_with_checkpoints() -> list[str]:
    """The work that has some."""
    return sorted(path.name for path in root().glob("*") if path.is_dir())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that whoever finds it finds all of it, after a kill or a loss of power too.

    Raises:
        OSError: it cannot be written (a full disk, a directory that is not ours); nothing is left of it.
    """
    # two that write the same file never share what is unfinished
    unfinished = path.with_suffix(f".{uuid4().hex[:8]}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
