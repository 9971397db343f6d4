"""Frozen phonons: the optical mode at Γ of a level that has energies alone.

In a cubic crystal with two atoms in its primitive cell symmetry fixes the mode: one sublattice moves against the
other, along any direction. Along x the energy is even in the displacement u, E(u) = E(0) + a u² + b u⁴.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase import units

from flows.phonons.symmetry import FIRST_CUBIC, dataset
from flows.records import Structure

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class FrozenPhonon:
    """`frequency_cm1` at Γ in the harmonic limit, negative if imaginary; `quartic_eV_A4` is b per primitive cell."""

    frequency_cm1: float
    quartic_eV_A4: float


def check_frozen(primitive: Structure) -> None:
    """That symmetry fixes the mode.

    Raises:
        ValueError: the crystal is not cubic, or has not two atoms in its primitive cell.
    """
    atoms = primitive.atoms()
    found = dataset(atoms)
    if len(atoms) != 2 or found is None or found.number < FIRST_CUBIC:
        raise ValueError(
            f"a frozen phonon needs a cubic crystal with two atoms in its primitive cell, not {len(atoms)} atoms in "
            f"space group {found.number if found else 'unknown'}: remove frozen_phonon"
        )


def frozen_structures(
    primitive: Structure, supercell: Structure, displacements_A: Sequence[float]
) -> tuple[Structure, ...]:
    """`supercell` (whole primitive cells, same orientation) at rest, then its second sublattice moved along x."""
    atoms = supercell.atoms()
    second = _sublattice(primitive, atoms.get_positions()) == 1
    moved = []
    for displacement in (0.0, *displacements_A):
        copy = atoms.copy()
        copy.positions[second, 0] += displacement
        moved.append(Structure.from_atoms(copy))
    return tuple(moved)


def frozen_phonon(displacements_A: ArrayLike, energies_eV: ArrayLike, masses_u: ArrayLike) -> FrozenPhonon:
    """From energies per primitive cell at relative displacements u of its two atoms, u = 0 among them.

    E(u) - E(0) = a u² + b u⁴ by least squares; ω = sqrt(2 a / μ) with the reduced mass μ.
    """
    u, energies = np.asarray(displacements_A, dtype=float), np.asarray(energies_eV, dtype=float)
    rise = energies - energies[np.argmin(np.abs(u))]
    (a, b), *_ = np.linalg.lstsq(np.stack([u**2, u**4], axis=1), rise, rcond=None)
    first, second = np.asarray(masses_u, dtype=float)
    squared = 2 * a * (first + second) / (first * second)  # eV/Å²/u, ASE's unit of a squared frequency
    per_second = np.sign(squared) * np.sqrt(abs(squared)) * units.second
    return FrozenPhonon(float(per_second * units._hbar * units.J / units.invcm), float(b))


def _sublattice(primitive: Structure, positions: NDArray) -> NDArray[np.int64]:
    """Which of the primitive cell's two atoms each position (N, 3) is an image of."""
    cell = np.array(primitive.cell)
    # the first atom of `supercell` says how it is shifted
    offsets = (positions[:, None] - positions[0] - np.array(primitive.positions)) @ np.linalg.inv(cell)
    distances = np.linalg.norm((offsets - np.rint(offsets)) @ cell, axis=2)
    return np.asarray(distances.argmin(axis=1))
