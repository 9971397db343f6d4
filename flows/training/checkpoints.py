"""Checkpoints of one training: written whole or not at all, read only if undamaged, the two newest kept."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.checkpoints import directory_of, write_whole
from flows.checkpoints import keys_with_checkpoints as keys_with_checkpoints
from flows.checkpoints import root as root
from flows.failure import MachineTrouble


def checkpoints_of(key: str) -> Checkpoints:
    """Those of the training `key`."""
    return Checkpoints(directory_of(key))


class Checkpoints:
    """The files `epoch-<n>.checkpoint` in a directory that belongs to one training: sha256, then content."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Keep `state` (tensors, numbers, text, in dicts and lists) as of the end of `epoch`.

        Raises:
            MachineTrouble: it cannot be written (a full disk, a directory that is not ours).
        """
        import torch

        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getvalue()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._write(self._path(epoch), hashlib.sha256(content).digest() + content)
            for old in list(self._newest_first())[2:]:
                old.unlink()
        except OSError as error:
            raise MachineTrouble(f"cannot write a checkpoint into {self.directory}: {error}") from error

    def load(self, belongs_to: str) -> dict[str, Any] | None:
        """The newest state that is undamaged and carries this `belongs_to`, or None.

        Raises:
            MachineTrouble: a file is there and cannot be read.
        """
        for path in self._newest_first():
            state = _read(path)
            if state is not None and state.get("belongs_to") == belongs_to:
                return state
        return None

    def clear(self) -> None:
        """Remove them all: their record is stored, or they lead nowhere."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _path(self, epoch: int) -> Path:
        return self.directory / f"epoch-{epoch:06d}.checkpoint"

    def _newest_first(self) -> Iterator[Path]:
        return iter(sorted(self.directory.glob("epoch-*.checkpoint"), reverse=True))

    def _write(self, path: Path, content: bytes) -> None:
        write_whole(path, content)


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
