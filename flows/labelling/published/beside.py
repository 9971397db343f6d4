"""Files that lie beside one with labels and say what it does not: which, and where they are looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Beside = Mapping[str, bytes]
"""Their content by role; one that was not found is not there."""

NOTHING: Beside = {}

_PACKED = ("", ".gz", ".xz", ".bz2")


@dataclass(frozen=True)
class Companion:
    """A file of one of `names`, in one of `folders` as seen from the file that it belongs to; the first that is there.

    `role` is in the keys of label sets: it is never changed. `instead_of` is the part of the other's name in the place of
    which its own stands, as in XDATCAR-2 and OSZICAR-2: so it is looked for first.
    """

    role: str
    names: tuple[str, ...]
    folders: tuple[str, ...] = (".",)
    instead_of: str | None = None

    def candidates(self, name: str, folder: str | None) -> Iterator[str]:
        """Paths, seen from the folder of the file `name`; `folder` is the one that a user names."""
        for place in self.folders if folder is None else (folder,):
            for one in dict.fromkeys((*self._alike(name), *self.names)):
                yield from (f"{place}/{one}{ending}" for ending in _PACKED)

    def _alike(self, name: str) -> Iterator[str]:
        if self.instead_of is not None:
            bare = re.sub(r"\.(gz|xz|bz2)$", "", name)
            for old, new in ((self.instead_of, self.names[0]), (self.instead_of.lower(), self.names[0].lower())):
                if old in bare:
                    yield bare.replace(old, new)
