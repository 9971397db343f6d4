"""One published frame, and what has to hold of it whatever its file is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from ase.data import atomic_numbers

from flows.labelling.header import FrameError
from flows.records import SetAside

_FLAT_CELL = 1e-2  # volume over the product of the lengths: below it a cell has no volume worth the name


class LabelError(ValueError):
    """A labelled data set that cannot be used at all: what is wrong, where, and what to do about it."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One readable frame: `cell` (3, 3) rows are lattice vectors, `positions` and `forces` are (N, 3).

    `cell_off` is the largest component of the strain of its cell against the expected one. `energy_key` is what its file
    calls the energy, `beside` by how much (eV) others differ that might have been meant, `parts` what it is the sum of.
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
    energy_key: str = "energy"
    beside: Mapping[str, float] = field(default_factory=dict)
    parts: tuple[str, ...] = ()

    def aside(self, reason: str, structure_key: str | None = None) -> SetAside:
        return SetAside(
            file=self.file, frame=self.index, level=self.level, reason=reason, structure_key=structure_key
        )

    @property
    def where(self) -> str:
        return f"{self.file} frame {self.index}"


def refuse_open(pbc: Sequence[bool], said: str) -> None:
    """Raises FrameError: it is not periodic in all directions."""
    if not all(pbc):
        raise FrameError(f"it is not periodic in all directions: pbc={said}")


def refuse_flat(cell: np.ndarray, said: str) -> None:
    """Raises FrameError: the cell (3, 3) has no volume, or is not finite."""
    lengths = np.linalg.norm(cell, axis=1)
    if not np.isfinite(cell).all() or abs(np.linalg.det(cell)) <= _FLAT_CELL * lengths.prod():
        raise FrameError(f"its cell has no volume: {said}")


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
