"""Files and folders that arguments of an engine name: known by what they hold, wherever they lie.

Inside resolved arguments such a name is a mapping (`GivenFile`) instead of a text. Where labels are computed, a copy
lies under the digest of the content; the engine is given the path of that copy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from flows.checkpoints import HOME_VARIABLE
from flows.keys import digest
from flows.settings import Settings

Place = tuple[str | int, ...]


class GivenFile(Settings):
    """What a text among the arguments names: `path` as it was written, `name` its last part.

    `sha256` is of a file's content. A folder has `members`, the path inside of it and the sha256 of each of its files;
    its `sha256` is a digest of these.
    """

    path: str
    name: str
    sha256: str
    members: tuple[tuple[str, str], ...] = ()

    @classmethod
    def folder(cls, path: str, name: str, members: tuple[tuple[str, str], ...]) -> Self:
        """A folder that holds `members`."""
        inside = sorted(members)
        return cls(path=path, name=name, members=tuple(inside), sha256=digest("folder", 1, members=[list(one) for one in inside]))

    @classmethod
    def of(cls, value: Any) -> Self | None:
        """The one that an argument stands for; None: it is an argument like any other."""
        if isinstance(value, cls):
            return value
        return cls.model_validate(value) if isinstance(value, dict) and value.keys() == cls.model_fields.keys() else None

    def identity(self) -> dict[str, Any]:
        """Where a file lies and what it is called decides nothing; the names inside of a folder are looked for."""
        return {"folder" if self.members else "sha256": self.sha256}

    @property
    def here(self) -> Path:
        """Where its copy lies on this machine."""
        return root() / self.sha256 / self.name

    def contents(self) -> Iterator[tuple[str, str]]:
        """The sha256 of each file, and where below `root()` its copy belongs."""
        below = f"{self.sha256}/{self.name}"
        yield from ((sha256, f"{below}/{inside}") for inside, sha256 in self.members)
        if not self.members:
            yield self.sha256, below

    def text(self) -> str:
        """`x.model (sha256 0123456789ab)`."""
        kind = f"{len(self.members)} file{'' if len(self.members) == 1 else 's'}, digest" if self.members else "sha256"
        return f"{self.name} ({kind} {self.sha256[:12]})"


def root() -> Path:
    """Where this machine has copies of given files: `$LATTICEFARM_HOME/inputs`, else `~/.latticefarm/inputs`."""
    return Path(os.environ.get(HOME_VARIABLE) or "~/.latticefarm").expanduser().absolute() / "inputs"


def given_files(arguments: Any, place: Place = ()) -> Iterator[tuple[Place, GivenFile]]:
    """The files that `arguments` name, at any depth, and where in them."""
    if (one := GivenFile.of(arguments)) is not None:
        yield place, one
        return
    items = arguments.items() if isinstance(arguments, dict) else enumerate(arguments) if isinstance(arguments, list | tuple) else ()
    for key, value in items:
        yield from given_files(value, (*place, key))


def with_files(arguments: Any, instead: Callable[[GivenFile], Any]) -> Any:
    """`arguments` with what is said `instead` of each file."""
    if (one := GivenFile.of(arguments)) is not None:
        return instead(one)
    if isinstance(arguments, dict):
        return {key: with_files(value, instead) for key, value in arguments.items()}
    return [with_files(value, instead) for value in arguments] if isinstance(arguments, list | tuple) else arguments


def argument(place: Place) -> str:
    """`("input", "folders", 1)` as `input.folders[1]`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def enclosing(name: str) -> Iterator[str]:
    """An argument, and those that it is a part of, the nearest first: `a.b[1]`, `a.b`, `a`."""
    while name:
        yield name
        name = name[: max(name.rfind("."), name.rfind("["), 0)]
