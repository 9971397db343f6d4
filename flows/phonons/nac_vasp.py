"""Born charges and dielectric tensor of a run of VASP (LEPSILON, LCALCEPS), for the primitive cell of a crystal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from xml.parsers.expat import ExpatError

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

_SAME_A = 0.02


def is_vasprun(text: str) -> bool:
    return "<modeling>" in text[:1000]


def read_born_vasprun(text: str, primitive: Atoms, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Born charges (N, 3, 3) and dielectric tensor (3, 3) of a vasprun.xml, whose cell is one of the crystal `primitive`, in its orientation.

    Raises:
        ValueError: it has none, or is of another crystal.
    """
    from phonopy.interface.vasp import VasprunxmlExpat

    found = VasprunxmlExpat(io.BytesIO(text.encode("latin-1", errors="replace")))
    try:
        found.parse()
    except (ExpatError, ValueError, IndexError) as error:
        raise ValueError(f"{name} cannot be read: {error}") from error
    symbols = found.symbols or []
    if found.born.shape != (len(symbols), 3, 3) or found.epsilon.shape != (3, 3) or not symbols:
        raise ValueError(f"{name} has no Born charges, or no dielectric tensor: it takes a run with LEPSILON or LCALCEPS")
    cell = found.lattice[-1]
    return _of_primitive(found.born, (cell, found.points[-1] @ cell, symbols), primitive, name), found.epsilon


def _of_primitive(
    charges: NDArray[np.float64], run: tuple[NDArray[np.float64], NDArray[np.float64], list[str]], primitive: Atoms, name: str
) -> NDArray[np.float64]:
    """The mean over the atoms of the run that are the same atom of the crystal."""
    cell, positions, symbols = run
    if not _whole(cell, primitive):
        raise ValueError(f"the cell of {name} is none of this crystal in this orientation: {cell.round(4).tolist()}")
    origins = [position for position, symbol in zip(positions, symbols, strict=True) if symbol == primitive.symbols[0]]
    for origin in origins:
        shift = origin - primitive.positions[0]
        same = [
            [j for j, symbol in enumerate(symbols) if symbol == primitive.symbols[i] and _whole(positions[j] - at - shift, primitive)]
            for i, at in enumerate(primitive.positions)
        ]
        if all(same) and sum(map(len, same)) == len(symbols):
            return np.array([charges[of_one].mean(axis=0) for of_one in same])
    raise ValueError(f"the atoms of {name} are not those of this crystal: {' '.join(symbols)}")


def _whole(vectors: NDArray[np.float64], primitive: Atoms) -> bool:
    """Whether these are lattice vectors of the crystal."""
    fractional = np.linalg.solve(primitive.cell.array.T, np.atleast_2d(vectors).T).T
    return bool(np.abs((fractional - fractional.round()) @ primitive.cell.array).max() < _SAME_A)
