"""Which references are about a crystal: those of its elements and its space group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from campaign.references.values import REFERENCES, Reference

if TYPE_CHECKING:
    from flows.records import Structure

SYMPREC_A = 1e-3


def references_of(primitive: Structure) -> tuple[Reference, ...]:
    """Every value that is known of this crystal."""
    elements = tuple(sorted(set(primitive.symbols)))
    about = [one for one in REFERENCES if one.elements == elements]
    if not about:
        return ()
    number = spacegroup(primitive)
    return tuple(one for one in about if one.spacegroup == number)


def spacegroup(structure: Structure) -> int:
    """The number of the space group; 1 where no symmetry is found."""
    import spglib

    atoms = structure.atoms()
    cell: Any = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    found: Any = spglib.get_symmetry_dataset(cell, symprec=SYMPREC_A)
    return int(found.number) if found is not None else 1
