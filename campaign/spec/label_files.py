"""The files of `data` of a level: named, or by a pattern as in `runs/*/vasprun.xml`; found, named apart, known by format."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from flows.labelling.former_headers import headers_of
from flows.labelling.published.beside import Companion
from flows.labelling.published.formats import EXTENDED_XYZ, FORMATS, format_of
from flows.labelling.settings import FileBeside, PublishedFile

EnergyKey = str | dict[str, str] | None


def files_of(name: str, folders: Sequence[Path]) -> list[Path]:
    """The file of this name, or else those that the pattern fits, sorted, in the first of `folders` that has any."""
    for folder in folders:
        path = folder / Path(name).expanduser()
        if os.path.isfile(path):  # never raises: a folder may be closed to us
            return [path]
        if is_pattern(name):
            found = sorted(Path(one) for one in glob.glob(str(path), recursive=True) if os.path.isfile(one))
            if found:
                return found
    return []


def is_pattern(name: str) -> bool:
    return glob.has_magic(name)


def names_of(paths: Sequence[Path]) -> dict[Path, str]:
    """What messages call each file: its name, or, where several have the same, what tells their folders apart as well."""
    by_name: dict[str, set[Path]] = {}
    for path in paths:
        by_name.setdefault(path.name, set()).add(path)
    names: dict[Path, str] = {}
    for name, same in by_name.items():
        common = os.path.commonpath([str(path.parent.absolute()) for path in same])
        names |= {path: name if len(same) == 1 else os.path.relpath(path.absolute(), common) for path in same}
    return names


def published(path: Path, named: PublishedFile, energy_key: EnergyKey, beside: str | None = None) -> tuple[PublishedFile, dict[str, Path]]:
    """What is known of a file by looking into it, and where it and what belongs to it lie, by sha256.

    `named` says how it is called and what of it is used, `energy_key` is as the user wrote it, `beside` the folder that the
    user names.

    Raises:
        OSError: one cannot be read.
        ValueError: it is of a kind that holds no labels.
    """
    content = path.read_bytes()
    kind = format_of(content)
    key = energy_key.get(kind) if isinstance(energy_key, dict) else energy_key
    found: dict[str, object] = {"sha256": hashlib.sha256(content).hexdigest(), "format": kind, "energy_key": key}
    if kind == EXTENDED_XYZ:
        return named.model_copy(update={**found, "headers": headers_of(content)}), {str(found["sha256"]): path}
    companions = _companions(path, FORMATS[kind].companions, beside)
    if FORMATS[kind].by_level:
        found["energy_key"] = key or named.level
    others = {role: FileBeside(name=name, sha256=_sha256(place)) for role, (name, place) in companions.items()}
    places = {others[role].sha256: place for role, (_, place) in companions.items()}
    return named.model_copy(update={**found, "beside": others}), {**places, str(found["sha256"]): path}


def _companions(path: Path, companions: Sequence[Companion], folder: str | None) -> dict[str, tuple[str, Path]]:
    """By role how it is called, seen from `path`, and where it lies; those that are there."""
    found: dict[str, tuple[str, Path]] = {}
    for one in companions:
        places = ((name, path.parent / name) for name in one.candidates(path.name, folder))
        if there := next(((name, place) for name, place in places if os.path.isfile(place)), None):
            found[one.role] = (os.path.normpath(there[0]), there[1])
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def energy_taken(kind: str, named: str | None) -> str | None:
    """What a plan says of the energy of a format whose programs print several; None where it goes without saying."""
    if kind not in FORMATS or not FORMATS[kind].energy or (named is not None and not FORMATS[kind].by_level):
        return None
    return f"of {FORMATS[kind].title} the energy is {FORMATS[kind].energy}"
