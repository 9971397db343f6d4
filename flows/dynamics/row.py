"""Which chunks of a trajectory follow one another: the longest unbroken row of those that there are.

Each chunk names the one before it by its digest, so a row never mixes what two workers wrote of the same steps, as
when one that was taken for dead was not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.depot import Stowed

BEGINNING = ""


@dataclass(frozen=True)
class Link:
    """What is known of a chunk unread: its digest, and that of the one before it.

    `previous` is `BEGINNING` for the first of a trajectory, None in a file of former versions, which tells its steps
    alone. `place` is the file, or what the database holds.
    """

    digest: str
    previous: str | None
    phase: str
    first: int
    last: int
    place: Path | Stowed

    @property
    def end(self) -> tuple[str, int]:
        """How far it leads; phases go on as they sort."""
        return self.phase, self.last

    def about(self) -> dict[str, Any]:
        """All but its place, as the database keeps it."""
        names = ("digest", "previous", "phase", "first", "last")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def of(cls, stowed: Stowed) -> Link:
        return cls(**{name: stowed.about[name] for name in ("digest", "previous", "phase", "first", "last")}, place=stowed)


def longest_row(links: Iterable[Link]) -> list[Link]:
    """From the beginning of a trajectory as far as the links lead; of two that lead as far, that with more files here."""
    before: dict[str, Link | None] = {}
    known: dict[str, Link] = {}
    here: dict[str, int] = {}
    for link in sorted(links, key=lambda one: (one.end, one.digest)):
        joined, parent = _parent(link, known)
        if not joined or link.digest in known:
            continue
        before[link.digest], known[link.digest] = parent, link
        here[link.digest] = isinstance(link.place, Path) + (here[parent.digest] if parent else 0)
    best = max(known.values(), key=lambda one: (one.end, here[one.digest]), default=None)
    row: list[Link] = []
    while best is not None:
        row.append(best)
        best = before[best.digest]
    return row[::-1]


def _parent(link: Link, known: dict[str, Link]) -> tuple[bool, Link | None]:
    """Whether a link joins those that are `known`, and to which of them."""
    if link.previous is not None:
        parent = known.get(link.previous)
        return link.previous == BEGINNING or parent is not None, parent
    former = [one for one in known.values() if one.previous is None]
    if not former:
        return link.first == 0, None
    parent = max(former, key=lambda one: one.end)
    follows = link.first == (parent.last if parent.phase == link.phase else 0)
    return follows, parent
