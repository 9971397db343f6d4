"""The journal of a job that computes labels: each is kept, on disk and in the job store, when it is there.

On disk first: where the database has gone away, the label waits there for the job to be run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows import checkpoints
from flows.delivery import store_record, stored_keys
from flows.failure import MachineTrouble
from flows.records import Label

_SUFFIX = ".label.json"


@dataclass(frozen=True)
class Journal:
    """The labels of the running job; `directory` is that of its checkpoints."""

    directory: Path

    @classmethod
    def of(cls, key: str) -> Journal:
        """That of the work `key`, with what a killed run had left on disk stored.

        Raises:
            MachineTrouble: the directory cannot be used.
        """
        journal = cls(checkpoints.directory_of(key))
        with _own_disk(journal.directory):
            journal.directory.mkdir(parents=True, exist_ok=True)
            journal._store_leftovers()
        return journal

    def keep(self, label: Label) -> None:
        """Keep a label for ever.

        Raises:
            MachineTrouble: the directory cannot be used.
        """
        with _own_disk(self.directory):
            checkpoints.write_whole(self._file(label.key), label.model_dump_json().encode())
            store_label(label)
            self._file(label.key).unlink(missing_ok=True)

    def stored(self, keys: Iterable[str]) -> set[str]:
        """Those of `keys` whose label is stored, by this job or any other."""
        return stored_keys(keys)

    def _store_leftovers(self) -> None:
        for path in sorted(self.directory.glob(f"*{_SUFFIX}")):
            store_label(Label.model_validate_json(path.read_bytes()))
            path.unlink()

    def _file(self, key: str) -> Path:
        return self.directory / f"{key}{_SUFFIX}"


@contextmanager
def _own_disk(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineTrouble(f"labels cannot be kept in {directory}: {error}") from error


def store_label(label: Label) -> None:
    """Store a label under its key in the store of the running job; twice the same changes nothing."""
    store_record(label.key, label, "label")
