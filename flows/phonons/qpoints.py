"""Which phonons a periodic supercell can show: those whose wave fits into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flows.phonons.symmetry import reciprocal_rotations

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray

TOLERANCE = 1e-5  # of a fractional coordinate


@dataclass(frozen=True)
class Coverage:
    """Of the `arms` of the star of a q-point, how many a supercell holds."""

    arms: int
    held: int

    @property
    def represented(self) -> bool:
        """One arm is enough: symmetry makes the others from it."""
        return self.held > 0


def star(primitive: Atoms, qpoint: ArrayLike) -> NDArray[np.float64]:
    """(arms, 3): all q-points that the point group and time reversal make of `qpoint`, fractional, in [0, 1)."""
    return _distinct(np.asarray(qpoint, dtype=float) @ reciprocal_rotations(primitive))


def coverage(primitive: Atoms, supercell: ArrayLike, qpoint: ArrayLike) -> Coverage:
    """How much of the star of `qpoint` a `supercell` (3x3, rows in units of the primitive vectors) holds.

    An arm q is held if the phase 2π q·S is a multiple of 2π for each supercell vector S. A model has seen the
    forces of a mode only if its training supercell holds an arm.
    """
    phases = star(primitive, qpoint) @ np.asarray(supercell, dtype=float).T
    held = np.abs(phases - np.rint(phases)).max(axis=1) < TOLERANCE
    return Coverage(arms=len(held), held=int(held.sum()))


def commensurate(supercell: ArrayLike) -> NDArray[np.float64]:
    """(|det supercell|, 3): every q-point that a supercell (rows in units of the primitive vectors) holds.

    A harmonic DOS on these is the one to compare with the VACF-DOS of an MD in that supercell.
    """
    from phonopy.harmonic.dynmat_to_fc import get_commensurate_points

    # phonopy counts supercell vectors in columns
    return np.asarray(get_commensurate_points(np.asarray(supercell, dtype=np.int64).T))


def _distinct(qpoints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Modulo reciprocal lattice vectors."""
    whole = np.rint(qpoints % 1.0 / TOLERANCE).astype(np.int64) % round(1 / TOLERANCE)
    _, first = np.unique(whole, axis=0, return_index=True)
    return qpoints[first] % 1.0
