"""A force field of diamond that is linear in its parameters: a fit of it is a least squares, with one answer.

The energy of an atom is a polynomial in the stretches s of its bonds and in c = cos θ + 1/3 between them, up to the
third order, with s⁴: what Keating's potential and its successors hold.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from diamond_labels import CONVENTIONAL, LATTICE_A

_FIRST, _SECOND, _IMAGES = neighbor_list("ijS", CONVENTIONAL, 1.7)
_OFFSETS = _IMAGES @ CONVENTIONAL.cell.array
_BONDS = np.stack([np.flatnonzero(atom == _FIRST) for atom in range(len(CONVENTIONAL))])  # (8, 4)
_ONE, _OTHER = np.array(list(combinations(range(4), 2))).T
_LENGTH_A = LATTICE_A * np.sqrt(3) / 4


def features(displacements: np.ndarray) -> np.ndarray:
    """(10,): the sums over all atoms, of atoms moved by (8, 3) Å."""
    positions = CONVENTIONAL.positions + displacements
    bonds = positions[_SECOND] - positions[_FIRST] + _OFFSETS
    lengths = np.linalg.norm(bonds, axis=1)
    unit, s = (bonds / lengths[:, None])[_BONDS], (lengths - _LENGTH_A)[_BONDS]
    c = (unit[:, _ONE] * unit[:, _OTHER]).sum(axis=2) + 1 / 3
    one, other = s[:, _ONE], s[:, _OTHER]
    terms = [s, s**2, s**3, s**4, c**2, one * other, (one + other) * c, (one + other) * c**2, c**3]
    return np.array([1.0, *(term.sum() for term in terms)])


def fitted(displacements: list[np.ndarray], energies_eV: list[float]) -> np.ndarray:
    """The parameters (10,) that belong to energies per cell."""
    found, *_ = np.linalg.lstsq(np.array([features(one) for one in displacements]), np.array(energies_eV), rcond=None)
    return found


def forces(parameters: np.ndarray, step_A: float = 1e-4):
    """(8, 3), eV/Å, of an `Atoms`, by central differences."""

    def found(atoms: Atoms) -> np.ndarray:
        # phonopy lists the atoms in an order of its own
        offsets = atoms.positions[:, None] - CONVENTIONAL.positions
        offsets -= LATTICE_A * np.rint(offsets / LATTICE_A)
        site = np.linalg.norm(offsets, axis=2).argmin(axis=1)
        moved, slopes = np.zeros((8, 3)), np.zeros((8, 3))
        moved[site] = offsets[np.arange(8), site]
        for index in np.ndindex(8, 3):
            there, back = moved.copy(), moved.copy()
            there[index] += step_A
            back[index] -= step_A
            slopes[index] = (features(there) - features(back)) @ parameters / (2 * step_A)
        return -slopes[site]

    return found
