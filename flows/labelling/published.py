"""Published labels as they come: the frames of one file that can be used, and why the others cannot.

Frames are counted from 0. Energies are eV per cell, lengths Å, forces eV/Å.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers

from flows.labelling.extxyz import FrameText, read_columns, read_symbols, split_frames
from flows.labelling.header import FrameError, Header, number, read_header
from flows.labelling.quantities import energy_of, forces_of, free_energy_off
from flows.labelling.settings import Expectations, PublishedFile
from flows.records import SetAside
from flows.strain import size, strain

_NOT_UNPACKED = (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error)
_FLAT_CELL = 1e-2  # volume over the product of the lengths: below it a cell has no volume worth the name


class LabelError(ValueError):
    """A labelled data set that cannot be used at all: what is wrong, where, and what to do about it."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One readable frame: `cell` (3, 3) rows are lattice vectors, `positions` and `forces` are (N, 3).

    `cell_off` is the largest component of the strain of its cell against the expected one, `free_energy_off` the
    difference (eV) of a `free_energy` beside the energy.
    """

    file: str
    index: int
    level: str
    symbols: tuple[str, ...]
    cell: np.ndarray
    positions: np.ndarray
    energy_eV: float
    forces: np.ndarray | None
    cell_off: float = 0.0
    free_energy_off: float = 0.0

    def aside(self, reason: str, structure_key: str | None = None) -> SetAside:
        return SetAside(
            file=self.file, frame=self.index, level=self.level, reason=reason, structure_key=structure_key
        )

    @property
    def where(self) -> str:
        return f"{self.file} frame {self.index}"


def read_published(
    file: PublishedFile, content: bytes, expectations: Expectations
) -> tuple[list[Frame], list[SetAside]]:
    """The readable frames of a file, whatever their cells, and the others with their reasons; a file without any is one
    of these."""
    try:
        texts = split_frames(_text(content) or "")
    except _NOT_UNPACKED as error:
        reason = f"{file.name} cannot be unpacked: {error}"
        return [], [SetAside(file=file.name, level=file.level, reason=reason)]
    if not texts:
        reason = f"{file.name} has no frames of extended XYZ text: convert it, or unpack it"
        return [], [SetAside(file=file.name, level=file.level, reason=reason)]
    frames, aside = [], []
    for text in texts:
        try:
            frames.append(_read_frame(text, file, expectations))
        except FrameError as error:
            aside.append(SetAside(file=file.name, frame=text.index, level=file.level, reason=str(error)))
    return frames, aside


def text_of(content: bytes) -> str | None:
    """The text of a file of labels, packed or not; None where it has none."""
    try:
        return _text(content)
    except _NOT_UNPACKED:
        return None


def _text(content: bytes) -> str | None:
    plain = _unpacked(content)
    return None if _is_binary(plain) else plain.decode("utf-8-sig", errors="replace")


def _unpacked(content: bytes) -> bytes:
    """The content of a .gz, .xz or .bz2 file, any other as it is."""
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    if content.startswith(b"\xfd7zXZ"):
        return lzma.decompress(content)
    return bz2.decompress(content) if content.startswith(b"BZh") else content


def _is_binary(content: bytes) -> bool:
    return b"\x00" in content[:1000] or content.startswith(b"PK\x03\x04")


def _read_frame(text: FrameText, file: PublishedFile, expectations: Expectations) -> Frame:
    header = read_header(text.comment)
    columns, words = read_columns(text, header)
    symbols = read_symbols(columns, words)
    check_composition(symbols, expectations.composition)
    cell = _cell(header)
    energy_eV = energy_of(header, file)
    return Frame(
        file=file.name,
        index=text.index,
        level=file.level,
        symbols=symbols,
        cell=cell,
        cell_off=0.0 if expectations.cell is None else size(strain(expectations.cell, cell)),
        positions=columns.numbers("pos", words),
        energy_eV=energy_eV,
        forces=forces_of(columns, words, file) if file.forces else None,
        free_energy_off=free_energy_off(header, energy_eV, file),
    )


def _cell(header: Header) -> np.ndarray:
    lattice = header.structural("Lattice")
    if lattice is None:
        raise FrameError("it is not periodic: it has no Lattice=")
    pbc = header.structural("pbc")
    periodic = _words("T T T" if pbc is None else pbc)
    if not all(word.lower() in ("t", "true", "1") for word in periodic):
        raise FrameError(f"it is not periodic in all directions: pbc={pbc}")
    try:
        cell = np.array([number(word) for word in _words(lattice)]).reshape(3, 3)
    except ValueError:
        raise FrameError(f"unreadable Lattice={lattice}") from None
    lengths = np.linalg.norm(cell, axis=1)
    if not np.isfinite(cell).all() or abs(np.linalg.det(cell)) <= _FLAT_CELL * lengths.prod():
        raise FrameError(f"its cell has no volume: Lattice={lattice}")
    return cell


def _words(array: str) -> list[str]:
    return array.replace(",", " ").split()


def check_composition(symbols: tuple[str, ...], expected: Mapping[str, int] | None) -> None:
    """Hold the atoms of a frame against those of the training cell.

    Raises:
        FrameError: an element is wrong, or the numbers of atoms differ.
    """
    found = Counter(symbols)
    if unknown := found.keys() - atomic_numbers.keys() | found.keys() & {"X"}:
        meant = [name.capitalize() for name in sorted(unknown) if name.capitalize() in (expected or {})]
        advice = f"; if {meant[0]} is meant, write it so" if meant else ""
        raise FrameError(f"wrong element {', '.join(sorted(unknown))}: there is none of this name{advice}")
    if expected is None:
        return
    if strangers := found.keys() - expected.keys():
        names = ", ".join(sorted(strangers))
        raise FrameError(f"wrong element {names}: the system consists of {', '.join(sorted(expected))}")
    if found != Counter(expected):
        raise FrameError(
            f"it has {formula(found)} ({len(symbols)} atoms), the training cell {formula(expected)}"
        )


def formula(composition: Mapping[str, int]) -> str:
    return "".join(f"{symbol}{count}" for symbol, count in sorted(composition.items()))
