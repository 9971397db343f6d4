"""The WAVECAR of the structure before: from one structure of a job to the next, as long as the process lives.

It decides no number, as each label converges to the same tolerance from wherever it begins. Directories of this machine's dead
processes are removed: a WAVECAR may have many gigabytes.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

WAVECAR = "WAVECAR"


@dataclass
class Orbitals:
    """At most one WAVECAR, with what it is of: only a calculation that says the same of itself is given it."""

    _of: str | None = None
    _folder: Path | None = None
    _swept: set[str | None] = field(default_factory=set)

    def directory(self, scratch: str | None) -> Path:
        """A new directory, of this process."""
        if not self._swept:
            atexit.register(self.drop)
        if scratch not in self._swept:
            _remove_leftovers(Path(scratch or tempfile.gettempdir()))
            self._swept.add(scratch)
        return Path(tempfile.mkdtemp(prefix=f"vasp-{socket.gethostname()}-{os.getpid()}-", dir=scratch))

    @contextmanager
    def working(self, scratch: str | None) -> Iterator[Path]:
        """A new directory, which is removed in the end."""
        directory = self.directory(scratch)
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def give(self, of: str, directory: Path) -> bool:
        """Move it into `directory`, if it is that; else it is no longer needed."""
        folder, self._folder = self._folder, None
        if folder is None:
            return False
        given = self._of == of
        if given:
            shutil.move(folder / WAVECAR, directory / WAVECAR)
        shutil.rmtree(folder, ignore_errors=True)
        return given

    def keep(self, of: str, directory: Path, scratch: str | None) -> None:
        """Move that of `directory` here, if it left one."""
        self.drop()
        if (directory / WAVECAR).is_file() and (directory / WAVECAR).stat().st_size:
            self._folder = self.directory(scratch)
            shutil.move(directory / WAVECAR, self._folder / WAVECAR)
            self._of = of

    def copy_to(self, directory: Path) -> bool:
        """A copy into `directory`, if there is one."""
        if self._folder is None:
            return False
        shutil.copyfile(self._folder / WAVECAR, directory / WAVECAR)
        return True

    def drop(self) -> None:
        """Remove it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _remove_leftovers(folder: Path) -> None:
    ours = re.compile(rf"vasp-{re.escape(socket.gethostname())}-(\d+)-\w+")
    with suppress(OSError):
        for path in folder.iterdir():
            if (found := ours.fullmatch(path.name)) and not psutil.pid_exists(int(found[1])):
                shutil.rmtree(path, ignore_errors=True)
