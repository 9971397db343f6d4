"""A crystal in a few words: what a reader of a file has to compare with the crystal that he meant."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from flows.phonons.symmetry import dataset

if TYPE_CHECKING:
    from ase import Atoms

LOOSE_A = 0.1
"""Atoms that are off their sites by up to so much are taken for displaced ones: more than an MD at rest, less than a bond."""


@dataclass(frozen=True)
class CrystalFacts:
    """Of a primitive cell: its formula, space group, number of atoms, and the two atoms next to each other (Å).

    `loose_group` is the space group that it would have with its atoms moved by up to `LOOSE_A`, if another.
    """

    formula: str
    space_group: str
    number: int
    atoms: int
    nearest_A: float
    nearest: tuple[str, str]
    loose_group: str = ""

    def as_facts(self) -> dict[str, Any]:
        return asdict(self)


def crystal_facts(primitive: Atoms) -> CrystalFacts:
    """What can be said of a crystal by its `primitive` cell alone."""
    tight, loose = dataset(primitive), dataset(primitive, LOOSE_A)
    distance, (first, second) = nearest(primitive)
    symbol, number = (str(tight.international), int(tight.number)) if tight is not None else ("P1", 1)
    other = loose is not None and loose.number != number and len(primitive) > 1
    return CrystalFacts(
        formula=primitive.get_chemical_formula(),
        space_group=symbol,
        number=number,
        atoms=len(primitive),
        nearest_A=distance,
        nearest=(primitive.symbols[first], primitive.symbols[second]),
        loose_group=f"{loose.international} ({loose.number})" if other else "",
    )


def nearest(atoms: Atoms) -> tuple[float, tuple[int, int]]:
    """The smallest distance (Å) of two atoms of a periodic crystal, images included, and their numbers."""
    from ase.neighborlist import neighbor_list

    cutoff = 1.5 * (atoms.cell.volume / len(atoms)) ** (1 / 3)
    while True:
        i, j, distances = neighbor_list("ijd", atoms, cutoff)
        if len(distances):
            closest = int(distances.argmin())
            return float(distances[closest]), (int(i[closest]), int(j[closest]))
        cutoff *= 2


def overlap(atoms: Atoms, fraction: float = 0.5) -> tuple[float, tuple[int, int]] | None:
    """The nearest two of the atoms that are closer than `fraction` of the sum of their covalent radii; None: no two are.

    Covalent radii: Cordero et al., Dalton Trans. 2832 (2008), as ASE has them.
    """
    from ase.neighborlist import natural_cutoffs, neighbor_list

    i, j, distances = neighbor_list("ijd", atoms, natural_cutoffs(atoms, mult=fraction))
    if not len(distances):
        return None
    closest = int(distances.argmin())
    return float(distances[closest]), (int(i[closest]), int(j[closest]))
