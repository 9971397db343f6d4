"""Checkpoints of one training: written whole or not at all, read only if undamaged, the two newest kept.

Copies go into the database where the training is run as a job (`flows.shelf`). A training goes on from the newest of
either that is its own: the same packages wrote it. What it passes over is named.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.checkpoints import ELSEWHERE, HERE, OTHERS, directory_of, write_whole
from flows.checkpoints import keys_with_checkpoints as keys_with_checkpoints
from flows.checkpoints import root as root
from flows.depot import Stowed
from flows.failure import MachineTrouble
from flows.shelf import Shelf

KEPT = 2
_NAME = re.compile(r"epoch-(\d+)(?:-(\w+))?\.checkpoint")


def checkpoints_of(key: str) -> Checkpoints:
    """Those of the training `key`."""
    return Checkpoints(directory_of(key))


@dataclass(frozen=True)
class _Found:
    """A checkpoint by what is known of it unread; `mark` stands for whom it belongs to, None where a file tells."""

    epoch: int
    mark: str | None
    file: Path | Stowed

    @property
    def words(self) -> str:
        return f"epoch {self.epoch} {HERE if isinstance(self.file, Path) else ELSEWHERE}"


class Checkpoints:
    """The files `epoch-<n>-<mark>.checkpoint` in a directory that belongs to one training: sha256, then content.

    The mark tells those of other packages from ours: they stay, for whoever has these. `ignored` names what `load`
    passed over.
    """

    def __init__(self, place: Path | Shelf) -> None:
        self.shelf = Shelf.of(place)
        self.ignored: list[str] = []

    @property
    def directory(self) -> Path:
        return self.shelf.directory

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Keep `state` (tensors, numbers, text, in dicts and lists) as of the end of `epoch`.

        Raises:
            MachineTrouble: it cannot be written (a full disk, a directory that is not ours).
        """
        import torch

        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getvalue()
        path = self._path(epoch, state["belongs_to"])
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._write(path, hashlib.sha256(content).digest() + content)
            mine = [one for one in self._here() if one.mark == _mark(state["belongs_to"])]
            for old in mine[KEPT:]:
                assert isinstance(old.file, Path)
                old.file.unlink(missing_ok=True)
        except OSError as error:
            raise MachineTrouble(f"cannot write a checkpoint into {self.directory}: {error}") from error
        self._carry(path, epoch, state["belongs_to"])

    def load(self, belongs_to: str) -> dict[str, Any] | None:
        """The newest state that is undamaged and carries this `belongs_to`, or None.

        Raises:
            MachineTrouble: a file is there and cannot be read, or one of the database cannot be written here.
        """
        self.ignored = []
        elsewhere = self._elsewhere()
        # of two that are as new, the one that is here
        found = sorted([*self._here(), *elsewhere], key=lambda one: -one.epoch)
        for one in found:
            if one.mark not in (None, _mark(belongs_to)):
                self._ignore(f"{one.words}: {OTHERS}")
        for one in found:
            if one.mark in (None, _mark(belongs_to)) and (state := self._state(one, belongs_to)) is not None:
                copied = any(other.epoch >= one.epoch for other in elsewhere if other.mark == _mark(belongs_to))
                if isinstance(one.file, Path) and not copied:
                    self._carry(one.file, one.epoch, belongs_to)
                return state
        return None

    def clear(self) -> None:
        """Remove those of this training, here and in the database: they lead nowhere."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.shelf.forget()

    def _state(self, one: _Found, belongs_to: str) -> dict[str, Any] | None:
        path = one.file if isinstance(one.file, Path) else self._fetched(one.file)
        state = None if path is None else _read(path)
        if state is None:
            self._ignore(f"{one.words}: damaged")
            if path is not None:
                path.unlink(missing_ok=True)
        elif state.get("belongs_to") != belongs_to:
            self._ignore(f"{one.words}: {OTHERS}")
        else:
            return state
        return None

    def _fetched(self, stowed: Stowed) -> Path | None:
        try:
            return self.shelf.fetch(stowed)
        except OSError as error:
            raise MachineTrouble(f"cannot write a checkpoint into {self.directory}: {error}") from error

    def _carry(self, path: Path, epoch: int, belongs_to: str) -> None:
        self.shelf.carry(path, {"belongs_to": belongs_to}, rank=epoch)

    def _ignore(self, words: str) -> None:
        self.ignored.append(words)
        print(f"checkpoint ignored: {words}", flush=True)

    def _path(self, epoch: int, belongs_to: str) -> Path:
        return self.directory / f"epoch-{epoch:06d}-{_mark(belongs_to)}.checkpoint"

    def _here(self) -> list[_Found]:
        """Newest first."""
        named = ((_NAME.fullmatch(path.name), path) for path in self.directory.glob("epoch-*.checkpoint"))
        found = [_Found(int(name[1]), name[2], path) for name, path in named if name is not None]
        return sorted(found, key=lambda one: -one.epoch)

    def _elsewhere(self) -> list[_Found]:
        return [
            _Found(one.about["rank"], _mark(one.about["belongs_to"]), one) for one in reversed(self.shelf.elsewhere())
        ]

    def _write(self, path: Path, content: bytes) -> None:
        write_whole(path, content)


def _mark(belongs_to: str) -> str:
    return hashlib.sha256(belongs_to.encode()).hexdigest()[:12]


def _read(path: Path) -> dict[str, Any] | None:
    import torch

    try:
        stored = path.read_bytes()
    except OSError as error:
        raise MachineTrouble(f"cannot read the checkpoint {path}: {error}") from error
    digest, content = stored[:32], stored[32:]
    if hashlib.sha256(content).digest() != digest:
        return None
    loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return dict(loaded)
