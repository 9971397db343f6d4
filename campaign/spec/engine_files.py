"""Files that the settings of an engine name: found, hashed, and known by what they hold from then on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaign.spec.errors import Loc, nearest
from flows.labelling.engines.given_files import GivenFile, argument, enclosing, with_files
from flows.labelling.engines.known import EngineChoice

MOST = 1000  # files in a folder
_PROGRAMS = (b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")  # how programs and scripts begin
_LONGEST = 4096  # of a path

Say = Callable[[Loc, str], None]


@dataclass
class EngineFiles:
    """Finds the files of engines in `folders` and keeps, in `found`, where those of each sha256 lie.

    `complain` is told what is wrong, `note` what was understood, each with its place in the campaign.
    """

    folders: tuple[Path, ...]
    complain: Say
    note: Say
    found: dict[str, Path] = field(default_factory=dict)
    _known: dict[Path, str] = field(default_factory=dict)

    def resolved(self, engine: EngineChoice, place: Loc) -> EngineChoice:
        """`engine`, which stands at `place`, with its files instead of their names."""
        setting = engine.names_files_in
        if setting is None:
            return engine
        named = getattr(engine, setting)
        texts = {argument(loc): loc for loc in _texts(named, ())}
        for name in engine.said_of_files():
            if not any(name in enclosing(one) for one in texts):
                self.complain((*place, "files", name), f"no text of {setting} is called so; {nearest(name, texts)}")
        return engine.model_copy(update={setting: self._with_files(engine, named, (*place, setting), ())})

    def on_this_machine(self, engine: EngineChoice) -> EngineChoice:
        """A resolved `engine` with the paths of its files as they lie here: what can be asked what it knows."""
        setting = engine.names_files_in
        if setting is None:
            return engine
        here = with_files(getattr(engine, setting), lambda one: str(self.found.get(one.sha256, one.path)))
        return engine.model_copy(update={setting: here})

    def _with_files(self, engine: EngineChoice, value: Any, place: Loc, loc: Loc) -> Any:
        if isinstance(value, dict):
            return {key: self._with_files(engine, one, place, (*loc, key)) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._with_files(engine, one, place, (*loc, index)) for index, one in enumerate(value)]
        if not isinstance(value, str) or not 0 < len(value) < _LONGEST or "\0" in value:
            return value
        files = engine.said_of_files()
        said = next((files[one] for one in enclosing(argument(loc)) if one in files), None)
        at = _Argument(value, argument(loc), said, (*place, *loc), "files" in type(engine).model_fields)
        given = self._given(at)
        return value if given is None else given.model_dump(mode="json")

    def _given(self, at: _Argument) -> GivenFile | None:
        path = self._located(at.text)
        if at.said == "path":
            if path is not None and path.is_file() and not _is_program(path):
                self.note(at.place, f"{path.name} is known by its path alone, as files says: what else it comes to hold is not noticed")
            return None
        if at.said is None and not at.may_be_path:
            return None
        if path is None:
            if at.said is not None or at.is_whole:
                self.complain(at.place, f"there is no {at.text}{self._looked(at)}; {at.elsewhere}")
            return None
        try:
            return self._folder(at, path) if path.is_dir() else self._file(at, path)
        except OSError as error:
            self.complain(at.place, f"{error.filename or path} cannot be read: {error.strerror}")
            return None

    def _file(self, at: _Argument, path: Path) -> GivenFile | None:
        if at.said is None and _is_program(path):
            return None
        given = GivenFile(path=at.text, name=path.name, sha256=self._sha256(path))
        self.note(at.place, f"is the file {given.text()}: labels are known by what it holds, and it travels with the campaign")
        return given

    def _folder(self, at: _Argument, path: Path) -> GivenFile | None:
        if at.said is None:
            if at.is_whole or "/" in at.text:
                self.complain(at.place, f"{at.text} is a folder: if what is in it decides numbers, say {at.so('content')} beside arguments, else {at.so('path')}")
            return None
        if any(path.resolve() in (folder.resolve(), *folder.resolve().parents) for folder in self.folders):
            self.complain(at.place, f"the folder {at.text} has the campaign itself in it: give what the calculator reads a folder of its own")
            return None
        inside = sorted(_files_in(path))
        if not 0 < len(inside) <= MOST:
            self.complain(at.place, f"the folder {at.text} holds {len(inside)} files, and 1 to {MOST} can travel: name one that holds what is read")
            return None
        members = tuple((one.relative_to(path).as_posix(), self._sha256(one)) for one in inside)
        given = GivenFile.folder(at.text, path.resolve().name, members)
        self.note(at.place, f"is the folder {given.text()}: labels are known by what its files hold, and they travel with the campaign")
        return given

    def _sha256(self, path: Path) -> str:
        if path not in self._known:
            with path.open("rb") as file:
                self._known[path] = hashlib.file_digest(file, "sha256").hexdigest()
        self.found[self._known[path]] = path
        return self._known[path]

    def _located(self, text: str) -> Path | None:
        try:
            written = Path(text).expanduser()
        except RuntimeError:  # of a user that there is not
            return None
        # never raises: a folder may be closed to us
        return next((path for folder in self.folders if os.path.exists(path := folder / written)), None)

    def _looked(self, at: _Argument) -> str:
        return "" if at.is_whole else f" (looked in {', '.join(map(str, dict.fromkeys(self.folders)))})"


@dataclass(frozen=True)
class _Argument:
    """A text among the arguments, its name there, what `files` says of it, its place in the campaign, and whether
    `files` can say anything else."""

    text: str
    name: str
    said: str | None
    place: Loc
    free: bool

    @property
    def is_whole(self) -> bool:
        """A whole path, and no command line."""
        return self.text[0] in "/~" and not any(map(str.isspace, self.text))

    @property
    def may_be_path(self) -> bool:
        """A word such as `PBE` is none, whatever lies beside the campaign."""
        return "/" in self.text or self.text[0] == "~" or bool(Path(self.text).suffix)

    @property
    def elsewhere(self) -> str:
        """What to do about a path that does not exist."""
        if any(one in self.text for one in "*?["):
            return "it looks like a pattern: name the files one by one"
        if not self.free:
            return "name the folder that holds it with --data DIR, or write its whole path"
        return f"if it is there only where labels are computed, or is written, say {self.so('path')} beside arguments"

    def so(self, how: str) -> str:
        return f"files: {{{self.name if self.name.isidentifier() else repr(self.name)}: {how}}}"


def _texts(value: Any, loc: Loc) -> Iterator[Loc]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, one in items:
        yield from _texts(one, (*loc, key))
    if isinstance(value, str):
        yield loc


def _files_in(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (path for name in names if (path := Path(place, name)).is_file())


def _is_program(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(_PROGRAMS)
