"""Born charges of a run in any cell of a crystal, as those of its primitive cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

_SAME_A = 0.02


def charges_of_primitive(charges: NDArray[np.float64], run: Atoms, primitive: Atoms, name: str) -> NDArray[np.float64]:
    """The mean (N, 3, 3) over the atoms of the `run`, which the file `name` describes, that are the same atom of the crystal `primitive`.

    Raises:
        ValueError: the run is of another crystal, or of this one in another orientation.
    """
    if not _whole(run.cell.array, primitive):
        raise ValueError(f"the cell of {name} is none of this crystal in this orientation: {run.cell.array.round(4).tolist()}")
    symbols, positions = run.get_chemical_symbols(), run.positions
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
