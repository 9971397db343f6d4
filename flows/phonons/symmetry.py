"""The symmetry of a crystal, as spglib finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

SYMPREC_A = 1e-3  # CIF and POSCAR files are often rounded to 1e-4
FIRST_CUBIC = 195  # space group


def dataset(atoms: Atoms, symprec_A: float = SYMPREC_A) -> Any:
    """spglib's dataset (`number`, `std_lattice`, ...); None where no symmetry is found within `symprec_A` (Å)."""
    import spglib

    return spglib.get_symmetry_dataset(_cell(atoms), symprec=symprec_A)


def spacegroup(atoms: Atoms) -> int:
    """The number of the space group; 1 where no symmetry is found."""
    found = dataset(atoms)
    return int(found.number) if found is not None else 1


def rotations(primitive: Atoms) -> NDArray[np.int64]:
    """(n, 3, 3): those of the space group, on columns of fractional coordinates; the same one once."""
    import spglib

    symmetry: Any = spglib.get_symmetry(_cell(primitive), symprec=1e-5)
    return np.unique(np.asarray(symmetry["rotations"], dtype=np.int64), axis=0)


def reciprocal_rotations(primitive: Atoms) -> NDArray[np.int64]:
    """(2n, 3, 3): what the point group and time reversal make of fractional q-points, q @ rotation."""
    import spglib

    symmetry: Any = spglib.get_symmetry(_cell(primitive), symprec=1e-5)
    return np.concatenate([symmetry["rotations"], -symmetry["rotations"]])


def standardized(atoms: Atoms, symprec_A: float, *, idealized: bool) -> Any:
    """spglib's primitive cell (lattice, fractional positions, numbers); None where no symmetry is found."""
    import spglib

    return spglib.standardize_cell(_cell(atoms), to_primitive=True, no_idealize=not idealized, symprec=symprec_A)


def _cell(atoms: Atoms) -> Any:
    return atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers
