"""Files of labels outside of a campaign -> one clean file of extended XYZ that `data` of a level takes.

No label goes into a database here: its key is that of a structure at a level, and which structures are one, and which lattice is
right, is known within a campaign. What this file is read as has the keys that the files themselves would have.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign.results.files import write_whole
from campaign.results.label_files import level_yaml
from campaign.spec.label_files import EnergyKey, energy_taken, files_of, names_of, published
from flows.labelling.label_set import read_label_set
from flows.labelling.published.frame import LabelError
from flows.labelling.settings import Expectations, MatchingSettings, PublishedFile
from flows.labelling.written import frames_text
from flows.records import Label, SetAside


@dataclass(frozen=True)
class Wanted:
    """What is to be read of files: as the keys of a level, `level` being its name."""

    level: str
    forces: bool = False
    functional: str | None = None
    energy_key: EnergyKey = None
    forces_key: str | None = None
    in_eV: bool = False
    beside: str | None = None

    def of_file(self, name: str) -> PublishedFile:
        """What is asked of a file of this name, before it is looked into."""
        about = {one: getattr(self, one) for one in ("level", "forces", "forces_key", "in_eV")}
        return PublishedFile(name=name, sha256="", **about)

    @property
    def file_name(self) -> str:
        return f"{re.sub(r'[^A-Za-z0-9_.-]', '', self.level)}.xyz"


@dataclass(frozen=True)
class Imported:
    """The labels that files hold, which were set aside, and what is worth knowing."""

    wanted: Wanted
    labels: tuple[Label, ...]
    set_aside: tuple[SetAside, ...]
    remarks: tuple[str, ...]

    def write(self, path: Path) -> dict[str, Any]:
        """Write the labels to a new file; return what is to be said of it.

        Raises:
            LabelError: there is a file of this name.
        """
        if path.exists():
            raise LabelError(f"{path} is there already: name another file with --output, or remove it")
        about = {one.key: {"functional": self.wanted.functional or ""} for one in self.labels}
        content = frames_text(self.labels, about, forces=self.wanted.forces).encode()
        write_whole(path, content)
        said = {"file": str(path), "level": self.wanted.level, "forces": self.wanted.forces, "functional": self.wanted.functional}
        return {**said, "labels": len(self.labels), "sha256": hashlib.sha256(content).hexdigest(), "yaml": level_yaml(said, path)}


def import_labels(names: Sequence[str], wanted: Wanted) -> Imported:
    """The labels of the files that are named, or fit a pattern, all of one level: of the composition that most have, each
    structure once.

    Raises:
        LabelError: a file is not there, is of a kind that holds no labels, or none has a label of use.
    """
    files: list[PublishedFile] = []
    contents: dict[str, bytes] = {}
    for path, name in _named(names).items():
        try:
            file, places = published(path, wanted.of_file(name), wanted.energy_key, wanted.beside)
            contents |= {sha256: place.read_bytes() for sha256, place in places.items()}
        except ValueError as error:
            raise LabelError(f"{name}: {error}") from error
        except OSError as error:
            raise LabelError(f"{error.filename} cannot be read: {error.strerror}") from error
        files.append(file)
    read = [(file, contents[file.sha256]) for file in files]
    found, labels = read_label_set("imported", read, Expectations(), MatchingSettings(), wanted.level, contents)
    taken = dict.fromkeys(said for file in files if (said := energy_taken(file.format, file.energy_key)))
    ordered = tuple(labels[key] for key in found.labels[wanted.level].values())
    return Imported(wanted, ordered, found.set_aside, (*taken, *found.audit[wanted.level].warnings))


def _named(names: Sequence[str]) -> dict[Path, str]:
    """The files, each once, with what they are called."""
    paths: dict[Path, None] = {}
    for name in names:
        found = files_of(name, (Path(),))
        if not found:
            raise LabelError(f"no file {name} (looked in {os.getcwd()})")
        paths |= dict.fromkeys(found)
    called = names_of(list(paths))
    return {path: called[path] for path in paths}
