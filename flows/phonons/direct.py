"""Phonons of a level itself: displaced supercells to be labelled, and the forces that their labels hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from flows.phonons.harmonic import Forces, displacements
from flows.phonons.outcome import bad_input
from flows.records import Label, Structure

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray


def displaced_supercells(primitive: Structure, supercell: ArrayLike, displacement_A: float) -> tuple[Structure, ...]:
    """The structures whose forces make the harmonic crystal of `primitive`, the undisplaced supercell first.

    Reduced by symmetry, as in `flows.phonons.harmonic.harmonic_crystal`.
    """
    cells = displacements(primitive.atoms(), supercell, displacement_A)
    return tuple(Structure.from_atoms(atoms) for atoms in cells)


def label_forces(labels: Iterable[Label]) -> Forces:
    """The forces that `labels` hold, by structure."""
    by_structure = {label.structure_key: label.forces_eV_A for label in labels}

    def forces(atoms: Atoms) -> NDArray[np.float64]:
        found = by_structure.get(Structure.from_atoms(atoms).key())
        if found is None:
            raise bad_input(
                "a displaced supercell has no label with forces: were its displacements made by another "
                "version of phonopy? `latticefarm submit` asks for those of this one"
            )
        return np.array(found)

    return forces
