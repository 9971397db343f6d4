"""An archive, held against its own manifest byte by byte before anybody believes it.

Whoever puts an archive into a database trusts whoever made it: models are pickles. What is found here is damage.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ValidationError

from campaign.archive import layout
from campaign.archive.layout import ArchiveError, Head
from campaign.archive.pen import pieces
from campaign.spec import ResolvedSpec
from flows.keys import job_uuid
from launchers import transfer

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, UnicodeDecodeError)


@dataclass(frozen=True)
class Archive:
    """An archive that is whole: what it says of itself, and its members."""

    path: Path
    head: Head
    spec: ResolvedSpec
    digests: dict[str, str]
    file: zipfile.ZipFile

    @property
    def yaml(self) -> str:
        """The campaign as its user wrote it, if that was kept."""
        return self.file.read(layout.YAML).decode() if layout.YAML in self.digests else ""

    def inputs(self) -> Iterator[tuple[str, str]]:
        """The sha256 and the name of each data file."""
        for member in self.digests:
            if member.startswith("inputs/"):
                _, sha256, name = member.split("/")
                yield sha256, name

    def open(self, member: str) -> IO[bytes]:
        """A member, to be read piece by piece."""
        return self.file.open(member)

    def records(self) -> Iterator[dict[str, Any]]:
        """The documents of all records, one after another; `file` says which member is the file of one.

        Raises:
            ArchiveError: one is not what its key says.
        """
        with self.file.open(layout.RECORDS) as lines:
            for number, line in enumerate(lines, 1):
                yield _record(f"{self.path}: {layout.RECORDS}, line {number}", line)


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """An archive, after all of it was checked.

    Raises:
        ArchiveError: it is damaged, or of a version that this code does not know; the message names the member.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb"):  # a file that is not there is no damaged archive
            file = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        raise _cut(path) from None
    with file:
        _check_version(path, file)
        digests = _manifest(path, file)
        _check_members(path, file, digests)
        _check_seal(path, file)
        head, spec = (_model(path, file, name, kind) for name, kind in ((layout.HEAD, Head), (layout.SPEC, ResolvedSpec)))
        assert isinstance(head, Head)
        assert isinstance(spec, ResolvedSpec)
        found = Archive(path, head, spec, digests, file)
        _check_contents(found)
        yield found


def _check_version(path: Path, file: zipfile.ZipFile) -> None:
    if len(file.comment) < len(layout.SEAL) + layout.DIGEST and layout.SEAL.startswith(file.comment[: len(layout.SEAL)]) and file.comment:
        raise _cut(path)
    if not file.comment.startswith(layout.SEAL):
        raise ArchiveError(f"{path} is no archive of latticefarm, or was packed again since: its seal is missing")
    try:
        head = json.loads(_content(path, file, layout.HEAD))
        said = head["format"], head["version"]
    except (ValueError, KeyError, TypeError):
        raise ArchiveError(f"{path}: {layout.HEAD} does not say of which version the archive is") from None
    if said != (layout.FORMAT, layout.VERSION):
        by = head.get("latticefarm", "another version")
        raise ArchiveError(
            f"{path} is of version {said[1]} of {said[0]}, written by latticefarm {by}; this is latticefarm {_version()}, which reads "
            f"version {layout.VERSION} of {layout.FORMAT}: import it with the version that wrote it"
        )


def _manifest(path: Path, file: zipfile.ZipFile) -> dict[str, str]:
    """The sha256 of each member; the members are those that it names, each once."""
    names = [info.orig_filename for info in file.infolist()]
    unsafe = [name for name in names if not layout.is_safe(name)]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    for wrong, what in ((unsafe, "would be unpacked outside of its folder"), (twice, "is there twice")):
        if wrong:
            raise ArchiveError(f"{path}: {wrong[0]!r} {what}: nothing of this archive is used")
    lines = [_LINE.fullmatch(line) for line in _content(path, file, layout.MANIFEST).decode(errors="replace").splitlines()]
    if not all(lines):
        raise ArchiveError(f"{path}: {layout.MANIFEST} is damaged: copy the archive again")
    digests = {line[2]: line[1] for line in lines if line is not None}
    missing = sorted((digests.keys() | set(layout.ALWAYS)) - set(names))
    more = sorted(set(names) - digests.keys() - {layout.MANIFEST})
    for wrong, what in ((missing, "is missing"), (more, f"is one too many: {layout.MANIFEST} does not name it")):
        if wrong:
            raise ArchiveError(f"{path}: {wrong[0]} {what}{f', and so {len(wrong) - 1} more' if wrong[1:] else ''}: nothing of this archive is used")
    return digests


def _check_members(path: Path, file: zipfile.ZipFile, digests: dict[str, str]) -> None:
    for name, expected in digests.items():
        found = hashlib.sha256()
        try:
            with file.open(name) as member:
                for piece in pieces(member):
                    found.update(piece)
        except _DAMAGE:
            raise _damaged(path, name) from None
        if found.hexdigest() != expected:
            raise ArchiveError(f"{path}: {name} is damaged: its sha256 is {found.hexdigest()}, and {layout.MANIFEST} says {expected}: copy the archive again")


def _check_seal(path: Path, file: zipfile.ZipFile) -> None:
    if file.comment != layout.SEAL + layout.digest_of(path).encode():
        raise ArchiveError(f"{path}: its members are whole, and bytes between them have changed: copy it again, or export it again")


def _check_contents(archive: Archive) -> None:
    """That keys are of what they name, and every file that somebody names is there."""
    name = archive.spec.campaign
    if archive.head.campaign != name:
        raise ArchiveError(f"{archive.path}: {layout.HEAD} is of {archive.head.campaign}, {layout.SPEC} of {name}")
    for sha256, file in archive.inputs():
        if archive.digests[layout.input_member(sha256, file)] != sha256:
            raise ArchiveError(f"{archive.path}: {layout.input_member(sha256, file)} does not hold what has this sha256")
    seen: set[str] = set()
    for document in archive.records():
        if document["uuid"] in seen:
            raise ArchiveError(f"{archive.path}: the record {document['output']['key']} is there twice")
        seen.add(document["uuid"])
        _check_file(archive, document)


def _check_file(archive: Archive, document: dict[str, Any]) -> None:
    key = document["output"]["key"]
    if (transfer.reference(document) is None) != ("file" not in document):
        raise ArchiveError(f"{archive.path}: the record {key} has no file where it should have one")
    if "file" in document:
        member, said = document["file"]["member"], document["file"]["blob"]["sha256"]
        if archive.digests.get(member) != said:
            raise ArchiveError(f"{archive.path}: {member} is not the file of the record {key}, whose sha256 is {said}")


def _record(where: str, line: bytes) -> dict[str, Any]:
    try:
        document = transfer.of_line(line)
        key, uuid = document["output"]["key"], document["uuid"]
    except (ValueError, KeyError, TypeError):
        raise ArchiveError(f"{where} is no record") from None
    if uuid != job_uuid(key) or document.get("index") != 1:
        raise ArchiveError(f"{where}: the record {key} stands under another uuid than that of its key")
    return document


def _model(path: Path, file: zipfile.ZipFile, name: str, kind: type[BaseModel]) -> BaseModel:
    try:
        return kind.model_validate_json(_content(path, file, name))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ArchiveError(f"{path}: latticefarm {_version()} does not understand {name}, {place}: {first['msg']}") from None


def _content(path: Path, file: zipfile.ZipFile, name: str) -> bytes:
    try:
        return file.read(name)
    except KeyError:
        raise ArchiveError(f"{path}: {name} is missing: nothing of this archive is used") from None
    except _DAMAGE:
        raise _damaged(path, name) from None


def _cut(path: Path) -> ArchiveError:
    return ArchiveError(f"{path} is no archive, or its end is missing: copy it again")


def _damaged(path: Path, name: str) -> ArchiveError:
    return ArchiveError(f"{path}: {name} is damaged, it cannot be unpacked: copy the archive again")


def _version() -> str:
    from campaign import __version__

    return __version__
