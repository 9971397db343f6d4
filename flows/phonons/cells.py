"""Which cells: the primitive cell of a crystal as it lies in space, and the matrix of a supercell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from flows.phonons.symmetry import SYMPREC_A, standardized

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray



def primitive(conventional: Atoms, symprec_A: float = SYMPREC_A) -> Atoms:
    """The primitive cell of a crystal, in the orientation and at exactly the lattice constants of `conventional`.

    Sites that symmetry fixes stand where symmetry puts them, to machine precision, seen from the first atom at the
    origin; the lattice is not touched, and nothing is relaxed.

    Raises:
        ValueError: no symmetry is found within `symprec_A` (Å), as where atoms overlap.
    """
    from ase import Atoms

    found: list[Any] = [standardized(conventional, symprec_A, idealized=ideal) for ideal in (False, True)]
    if None in found:
        raise ValueError(f"no symmetry found within {symprec_A} Å: do atoms overlap?")
    (lattice, near, numbers), (_, ideal, _) = found
    scaled = _snap(near, ideal, lattice, symprec_A)
    return Atoms(numbers=numbers, scaled_positions=scaled, cell=lattice, pbc=True)


def supercell_matrix(cell: Atoms, supercell: ArrayLike) -> NDArray[np.int64]:
    """How `supercell` (rows: lattice vectors, Å) is made of `cell`: row i is vector i in units of the cell's vectors.

    Raises:
        ValueError: it is not made of whole cells, as when the two are oriented differently.
    """
    exact = np.asarray(supercell, dtype=float) @ np.linalg.inv(cell.cell.array)
    whole = np.rint(exact).astype(np.int64)
    if np.abs(exact - whole).max() > 1e-3 or round(abs(np.linalg.det(whole))) < 1:
        raise ValueError(
            f"the supercell is not made of whole primitive cells: in their units it is {exact.round(3).tolist()}; "
            "both cells must be in the same orientation and at the same lattice constant"
        )
    return whole


def _snap(near: NDArray, ideal: NDArray, lattice: NDArray, symprec_A: float) -> NDArray:
    """The `ideal` fractional positions seen from their first atom, checked to be `near` up to a rigid shift."""
    snapped = ideal - ideal[0]
    moved = near - near[0] - snapped
    moved -= np.rint(moved)
    if np.linalg.norm(moved @ lattice, axis=1).max() > 10 * symprec_A:
        raise ValueError(f"the sites are not within {symprec_A} Å of those that the symmetry asks for")
    return np.asarray(snapped % 1.0)
