"""Which references are about a crystal: those of its elements and its space group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaign.references.values import REFERENCES, Reference
from flows.phonons.symmetry import spacegroup

if TYPE_CHECKING:
    from flows.records import Structure

SYMPREC_A = 1e-3


def references_of(primitive: Structure) -> tuple[Reference, ...]:
    """Every value that is known of this crystal."""
    elements = tuple(sorted(set(primitive.symbols)))
    about = [one for one in REFERENCES if one.elements == elements]
    if not about:
        return ()
    number = spacegroup(primitive.atoms())
    return tuple(one for one in about if one.spacegroup == number)
