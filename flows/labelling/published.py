"""Published labels as they come: the frames of one file that can be used, and why the others cannot.

Frames are counted from 0. Energies are eV per cell, lengths Å, forces eV/Å.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers

from flows.labelling.extxyz import Columns, FrameError, FrameText, comment_keys, read_columns, split_frames
from flows.labelling.settings import Expectations, PublishedFile
from flows.records import SetAside

_FLAT_CELL = 1e-2  # volume over the product of the lengths: below it a cell has no volume worth the name


class LabelError(ValueError):
    """A labelled data set that cannot be used at all: what is wrong, where, and what to do about it."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One readable frame: `cell` (3, 3) rows are lattice vectors, `positions` and `forces` are (N, 3).

    `cell_off` is the relative difference of its cell from the expected one.
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
    """The usable frames of a file, and the others with their reasons; a file without any is one of these."""
    texts = [] if _is_binary(content) else split_frames(content.decode("utf-8", errors="replace"))
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


def _is_binary(content: bytes) -> bool:
    return b"\x00" in content[:1000] or content.startswith((b"\x1f\x8b", b"BZh", b"PK\x03\x04"))


def _read_frame(text: FrameText, file: PublishedFile, expectations: Expectations) -> Frame:
    keys = comment_keys(text.comment)
    columns, words = read_columns(text, keys)
    symbols = tuple(word for row in words for word in row[columns.slices["species"]])
    check_composition(symbols, expectations.composition)
    cell = _cell(keys)
    return Frame(
        file=file.name,
        index=text.index,
        level=file.level,
        symbols=symbols,
        cell=cell,
        cell_off=_cell_off(cell, expectations),
        positions=columns.numbers("pos", words),
        energy_eV=_energy(keys),
        forces=_forces(columns, words) if file.forces else None,
    )


def _forces(columns: Columns, words: Sequence[Sequence[str]]) -> np.ndarray:
    for name in ("forces", "force"):
        if name in columns.slices:
            return columns.numbers(name, words)
    raise FrameError("it has no forces, and its level is said to have them")


def _energy(keys: Mapping[str, str]) -> float:
    if "energy" not in keys:
        raise FrameError(f"it has no energy= (its keys: {', '.join(keys) or 'none'})")
    text = keys["energy"].strip()
    if not text:
        raise FrameError("its energy= is empty")
    try:
        energy = float(text)
    except ValueError:
        raise FrameError(f"its energy={text} is not a number") from None
    if not math.isfinite(energy):
        raise FrameError(f"its energy={text} is not finite")
    return energy


def _cell(keys: Mapping[str, str]) -> np.ndarray:
    if "Lattice" not in keys:
        raise FrameError("it is not periodic: it has no Lattice=")
    periodic = keys.get("pbc", "T T T").replace(",", " ").split()
    if not all(word.lower() in ("t", "true", "1") for word in periodic):
        raise FrameError(f"it is not periodic in all directions: pbc={keys['pbc']}")
    try:
        cell = np.array([float(word) for word in keys["Lattice"].split()]).reshape(3, 3)
    except ValueError:
        raise FrameError(f"unreadable Lattice={keys['Lattice']}") from None
    lengths = np.linalg.norm(cell, axis=1)
    if not np.isfinite(cell).all() or abs(np.linalg.det(cell)) <= _FLAT_CELL * lengths.prod():
        raise FrameError(f"its cell has no volume: Lattice={keys['Lattice']}")
    return cell


def check_composition(symbols: tuple[str, ...], expected: Mapping[str, int] | None) -> None:
    """Hold the atoms of a frame against those of the training cell.

    Raises:
        FrameError: an element is wrong, or the numbers of atoms differ.
    """
    found = Counter(symbols)
    if unknown := found.keys() - atomic_numbers.keys() | found.keys() & {"X"}:
        raise FrameError(f"wrong element {', '.join(sorted(unknown))}: there is none of this name")
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


def _cell_off(cell: np.ndarray, expectations: Expectations) -> float:
    """Largest relative difference of a length or an angle from the expected cell's."""
    if expectations.cell is None:
        return 0.0
    expected = np.array(expectations.cell)
    off = float(np.abs(_lengths_angles(cell) / _lengths_angles(expected) - 1).max())
    if off > expectations.cell_tolerance:
        raise FrameError(
            f"its cell {np.linalg.norm(cell, axis=1).round(4).tolist()} Å is off by {100 * off:.1f} % from the"
            f" training cell's {np.linalg.norm(expected, axis=1).round(4).tolist()} Å"
        )
    return off


def _lengths_angles(cell: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(cell, axis=1)
    unit = cell / lengths[:, None]
    cosines = [unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]]
    return np.concatenate([lengths, np.arccos(np.clip(cosines, -1, 1))])
