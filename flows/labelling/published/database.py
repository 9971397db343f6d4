"""Rows of ASE databases (.db, SQLite), in the order of their ids; numbers that were stored as keys may be named, too."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from flows.labelling.header import FrameError
from flows.labelling.published.step import Step
from flows.labelling.published.trajectory import step_of


def is_database(content: bytes) -> bool:
    return content.startswith(b"SQLite format 3\x00")


def steps(content: bytes) -> Iterator[Step | FrameError]:
    """Every row of unpacked content, or why it is none; SQLite reads from a disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "labels.db"
        path.write_bytes(content)
        yield from _rows(path)


def _rows(path: Path) -> Iterator[Step | FrameError]:
    from ase.db import connect

    try:
        database = connect(path, type="db", use_lock_file=False)
        with database.managed_connection() as connection:
            numbers = [number for (number,) in connection.execute("SELECT id FROM systems ORDER BY id")]
    except Exception as error:  # of SQLite, or of ASE
        yield FrameError(f"no database of ASE can be read from it: {error}")
        return
    for number in numbers:
        try:
            atoms = database.get(id=number).toatoms(add_additional_information=True)
            atoms.info |= atoms.info.pop("key_value_pairs", {})
            yield step_of(atoms)
        except Exception as error:
            yield FrameError(f"row {number} is unreadable: {type(error).__name__}: {error}")
