"""Where a job runs: a directory of its own, with a log of all that it prints."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def run_directory(root: Path) -> Iterator[Path]:
    """A new directory under `root` as the working directory; removed again if nothing was left in it."""
    from tempfile import mkdtemp

    root.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    directory = Path(mkdtemp(prefix=time.strftime("%Y-%m-%d-%H%M%S-"), dir=root))
    os.chdir(directory)
    try:
        yield directory
    finally:
        os.chdir(before)
        log = directory / "job.log"
        if log.exists() and log.stat().st_size == 0:
            log.unlink()
        if not any(directory.iterdir()):
            directory.rmdir()


@contextmanager
def output_to(path: Path) -> Iterator[None]:
    """Send everything that this process and its children print into `path`: no job sees another's log."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)
