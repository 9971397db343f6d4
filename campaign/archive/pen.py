"""Writes the members of an archive, one after another and piece by piece, and keeps what the manifest says of each."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from campaign.archive import layout
from campaign.archive.crate import Member
from campaign.archive.layout import ArchiveError

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same campaign gives the same bytes
_PASSWORD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@\"'<>]*:[^\s/@\"'<>]+@")


class Pen:
    """Adds members to a zip; `members` are those that were added."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.members: dict[str, Member] = {}

    def add(self, name: str, pieces: Iterable[bytes], about: str = "") -> Member:
        """A member of these bytes.

        Raises:
            ArchiveError: there is one of that name, or none may have it.
        """
        if name in self.members or not layout.is_safe(name):
            raise ArchiveError(f"no archive can hold {name}{' twice' if name in self.members else ''}")
        digest, size = hashlib.sha256(), 0
        info = zipfile.ZipInfo(name, _EPOCH)
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
        with self.archive.open(info, "w", force_zip64=True) as member:
            for piece in pieces:
                member.write(piece)
                digest.update(piece)
                size += len(piece)
        self.members[name] = Member(digest.hexdigest(), size, about)
        return self.members[name]

    def text(self, name: str, text: str, about: str = "") -> None:
        """A member of text.

        Raises:
            ArchiveError: as `add`; or it holds a password.
        """
        self.add(name, (line.encode() for line in without_passwords(name, text.splitlines(keepends=True))), about)

    def json(self, name: str, value: Any, about: str = "") -> None:
        """A member of JSON; the order of systems and sizes is that of tables."""
        self.text(name, json.dumps(value, indent=1, ensure_ascii=False) + "\n", about)

    def manifest(self) -> None:
        """The last member: the sha256 of all others."""
        lines = (f"{one.sha256}  {name}\n" for name, one in sorted(self.members.items()))
        self.text(layout.MANIFEST, "".join(lines))


def without_passwords(name: str, lines: Iterable[str]) -> Iterator[str]:
    """The lines of `name`, as they are.

    Raises:
        ArchiveError: one holds a URI with a password.
    """
    for number, line in enumerate(lines, 1):
        if _PASSWORD.search(line):
            raise ArchiveError(f"{name}, line {number}, holds a URI with a password, and an archive must not: remove it, submit again, export again")
        yield line


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The content of an open file, a megabyte at a time."""
    while piece := file.read(1 << 20):
        yield piece


@contextmanager
def sealed(path: Path) -> Iterator[Pen]:
    """A new archive: it is at `path`, whole and sealed, when this ends well; what was there stays until then."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(unfinished, "w") as archive:
            pen = Pen(archive)
            yield pen
            pen.manifest()
            archive.comment = layout.SEAL + b"0" * layout.DIGEST
        layout.seal(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
