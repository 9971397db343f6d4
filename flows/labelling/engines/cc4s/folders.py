"""One step of the chain in its folder: done once, by whatever process; what it takes is made first where it is not there."""

from __future__ import annotations

import fcntl
import hashlib
import shlex
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from flows.failure import CalculationFailed
from flows.keys import digest
from flows.labelling.engines import program
from flows.labelling.engines.cc4s import marks
from flows.labelling.engines.protocol import STAGE
from flows.labelling.engines.vasp.ending import Ended

Taken = Mapping[str, tuple[str, str]]
_failed = partial(CalculationFailed.of, STAGE)


@dataclass(frozen=True)
class Asked:
    """A step as it is to be done: `texts` and `secret` are the files that it reads beside those that it `takes`, `deciding` is
    what of them decides its numbers, `command` what is run, in a folder by `run`. `judge` says what was found, or raises CalculationFailed."""

    name: str
    command: list[str]
    texts: Mapping[str, str]
    secret: Mapping[str, bytes]
    deciding: Mapping[str, Any]
    takes: Taken
    linked: bool
    leaves: tuple[str, ...]
    judge: Callable[[Path, Ended], Mapping[str, Any]]
    run: Callable[[list[str], Path], Ended]

    @property
    def inputs(self) -> str:
        """A digest of what decides its numbers."""
        secret = {name: hashlib.sha256(content).hexdigest() for name, content in self.secret.items()}
        return digest("cc4s-step", 1, deciding=dict(self.deciding), secret=secret)


@dataclass(frozen=True)
class Folders:
    """The folders of the steps of one structure, in `directory`; `seen` are the files that this process knows to be whole."""

    directory: Path
    seen: set[tuple[str, str]] = field(default_factory=set)

    def done(self, asked: Asked, files: Collection[str] = ()) -> marks.Mark | None:
        """The mark of a step that is done and whose `files` are still what it left; else it has none from now on."""
        folder = self.directory / asked.name
        made = marks.read_mark(folder, asked.inputs)
        if made is not None and marks.intact(folder, made, [one for one in files if (asked.name, one) not in self.seen]):
            self.seen.update((asked.name, one) for one in files)
            return made
        (folder / marks.MARK).unlink(missing_ok=True)
        return None

    def do(self, asked: Asked) -> marks.Mark:
        """Do a step whose `takes` are there.

        Raises:
            CalculationFailed: as its `judge`, or `no-program`, or `no-space`.
        """
        folder, started = self.directory / asked.name, time.perf_counter()
        try:
            self._prepare(folder, asked)
        except OSError as error:
            raise _failed("no-space", f"{folder} cannot be prepared: {error}", "have a look at that disk, and retry") from error
        try:
            ended = asked.run(asked.command, folder)
        except OSError as error:
            raise _failed("no-program", f"{shlex.join(asked.command)} cannot be started: {error.strerror}", ADVICE) from error
        found = asked.judge(folder, ended)
        made = marks.mark(folder, asked.inputs, asked.leaves, found, time.perf_counter() - started)
        self.seen.update((asked.name, one) for one in asked.leaves)
        return made

    def lighten(self, takes: Mapping[str, Taken]) -> None:
        """Remove the large files of done steps that no other takes that is not done; `takes` has all of them."""
        undone = [taken for name, taken in takes.items() if not self._is_marked(name)]
        for name in filter(self._is_marked, takes):
            keep = {there for taken in undone for step, there in taken.values() if step == name}
            marks.lighten(self.directory / name, keep)
            self.seen.difference_update([one for one in self.seen if one[0] == name and one[1] not in keep])

    def seconds(self, name: str) -> float:
        """How long a done step took, in whatever process; 0 of one that is not done."""
        return float(marks.said(self.directory / name).get("seconds", 0.0))

    def found(self, name: str) -> Mapping[str, Any]:
        """What a done step found; nothing of one that is not done."""
        found: Mapping[str, Any] = marks.said(self.directory / name).get("found", {})
        return found

    def _is_marked(self, name: str) -> bool:
        return (self.directory / name / marks.MARK).exists()

    @contextmanager
    def held(self) -> Iterator[None]:
        """For one process at a time: another that comes for the same waits, and then finds it done."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as lock:
            with suppress(OSError):  # a file system without locks: nothing is claimed twice but after a loss
                fcntl.flock(lock, fcntl.LOCK_EX)
            marks.clear_old(self.directory)
            yield

    def _prepare(self, folder: Path, asked: Asked) -> None:
        marks.fresh(folder)
        for name, text in asked.texts.items():
            (folder / name).write_text(text)
        for name, content in asked.secret.items():
            (folder / name).write_bytes(content)
        for name, (step, there) in asked.takes.items():
            source = self.directory / step / there
            if asked.linked:  # it is read alone
                (folder / name).symlink_to(Path("..") / step / there)
            else:
                shutil.copyfile(source, folder / name)


ADVICE = "give its path in command, gamma_command or cc4s_command"


def how_it_ended(name: str, folder: Path, code: int) -> CalculationFailed | None:
    """Why a program that did not end well gave nothing."""
    if (by := program.signal_of(code)) is not None:
        return _failed("killed", *program.killed(name, by))
    if code:
        said = program.last_words(folder / program.ERRORS, folder / program.OUT)
        return _failed("crashed", f"{name} ended with exit code {code}{said}", f"see what it says in {folder}")
    return None
