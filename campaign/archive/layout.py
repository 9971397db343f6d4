"""What an archive is: the names of its members, what stands at its head, and the seal over all of its bytes.

`manifest-sha256.txt` vouches for every other member, as `sha256sum -c` reads it; the comment of the zip for the whole file.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict

FORMAT = "latticefarm-archive"
VERSION = 1

CRATE = "ro-crate-metadata.json"
MANIFEST = "manifest-sha256.txt"
HEAD = "archive.json"
SPEC = "spec.json"
YAML = "campaign.yaml"
RECORDS = "records.jsonl"
ALWAYS = (CRATE, HEAD, SPEC, RECORDS)

SEAL = b"latticefarm archive sha256:"
DIGEST = 64  # hexadecimal digits


class ArchiveError(Exception):
    """An archive that cannot be written or put into a database: which, what is wrong, and what to do."""


class Head(BaseModel):
    """What stands at the head: which campaign, of when, by which code; `chunks` are the labels that each finished job has
    computed, by the keys of both; `held` is what was paused or cancelled; of `asked` jobs, `done` are finished."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = FORMAT
    version: int = VERSION
    latticefarm: str
    campaign: str
    submitted_at: datetime | None = None
    held: tuple[dict[str, Any], ...] = ()
    chunks: dict[str, tuple[str, ...]] = {}
    done: int
    asked: int


def input_member(sha256: str, name: str) -> str:
    """Where a data file lies: under its sha256, so that two of one name are two."""
    return f"inputs/{sha256}/{PurePosixPath(name).name or 'file'}"


def is_safe(name: str) -> bool:
    """Whether a member, unpacked anywhere, stays below that place."""
    parts = name.split("/")
    return bool(name) and "\\" not in name and "\0" not in name and ":" not in parts[0] and not {"", ".", ".."} & set(parts)


def digest_of(path: Path) -> str:
    """The sha256 of all that stands before the digits of the seal."""
    left, found = path.stat().st_size - DIGEST, hashlib.sha256()
    with path.open("rb") as file:
        while left > 0 and (piece := file.read(min(left, 1 << 20))):
            found.update(piece)
            left -= len(piece)
    return found.hexdigest()


def seal(path: Path) -> None:
    """Put the digits into the comment of a zip that ends in room for them."""
    found = digest_of(path)
    with path.open("r+b") as file:
        file.seek(-DIGEST, 2)
        file.write(found.encode())
