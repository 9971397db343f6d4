"""Folders of steps: a step is done when its mark says so, and the files that it left are those that the mark knows.

A folder without a mark is what a killed step left: it is cleared before the step is begun again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from flows.checkpoints import write_whole

MARK = "done.json"
_TEXTS = ("INCAR", "KPOINTS", "POSCAR", "OUTCAR", "OSZICAR", "cc4s.in.yaml", "cc4s.out.yaml", "cc4s.log", "program.out", "program.err")


@dataclass(frozen=True)
class Mark:
    """What a step was told (`inputs`, a digest), which files it left (name: bytes, sha256), what was `found` in them, and
    how long it took."""

    inputs: str
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


def fresh(folder: Path) -> None:
    """An empty folder. A program that still runs in the former one, of a process that is gone, does no harm: it is another."""
    if folder.exists():
        old = folder.with_name(f"{folder.name}.{uuid4().hex[:8]}.old")
        folder.rename(old)
        shutil.rmtree(old, ignore_errors=True)
    folder.mkdir(parents=True)


def mark(folder: Path, inputs: str, leaves: Iterable[str], found: Mapping[str, Any], seconds: float) -> Mark:
    """Say that the step is done; to be called when its files `leaves` are there."""
    made = Mark(inputs, {name: _known(folder / name) for name in leaves}, dict(found), seconds)
    write_whole(folder / MARK, json.dumps(asdict(made)).encode())
    return made


def read_mark(folder: Path, inputs: str) -> Mark | None:
    """The mark of a step that was told `inputs`; None: it is not done, or was told otherwise."""
    with suppress(ValueError, TypeError, KeyError):
        read = said(folder)
        made = Mark(read["inputs"], {name: (one[0], one[1]) for name, one in read["files"].items()}, read["found"], read["seconds"])
        return made if made.inputs == inputs else None
    return None


def said(folder: Path) -> Mapping[str, Any]:
    """What the mark says, whatever the step was told; nothing where there is none."""
    with suppress(OSError, ValueError):
        read = json.loads((folder / MARK).read_bytes())
        return read if isinstance(read, dict) else {}
    return {}


def intact(folder: Path, made: Mark, names: Collection[str]) -> bool:
    """Whether the files `names` are those that the step left."""
    return all(name in made.files and (folder / name).is_file() and _known(folder / name) == made.files[name] for name in names)


def lighten(folder: Path, keep: Collection[str]) -> None:
    """Remove what a done step left, but its texts and `keep`: WAVECARs and tensors are gigabytes."""
    for path in folder.iterdir():
        if path.name not in (MARK, *_TEXTS, *keep):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def clear_old(directory: Path) -> None:
    """Remove what `fresh` could not."""
    for path in directory.glob("*.old"):
        shutil.rmtree(path, ignore_errors=True)


def _known(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
