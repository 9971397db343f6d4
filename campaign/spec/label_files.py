"""The files of `data` of a level: named, or by a pattern as in `runs/*/vasprun.xml`; found, named apart, known by format."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from flows.labelling.former_headers import headers_of
from flows.labelling.published.formats import EXTENDED_XYZ, FORMATS, format_of


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


def reading_of(content: bytes) -> dict[str, object]:
    """How the content is read: its format, and the rule of headers where it has some.

    Raises:
        ValueError: it is of a kind that holds no labels.
    """
    kind = format_of(content)
    return {"format": kind, "headers": headers_of(content) if kind == EXTENDED_XYZ else 1}


def energy_taken(kind: str, named: str | None) -> str | None:
    """What a plan says of the energy of a format whose programs print several; None where it goes without saying."""
    if named is not None or kind not in FORMATS or not FORMATS[kind].energy:
        return None
    return f"of {FORMATS[kind].title} the energy is {FORMATS[kind].energy}"
