"""A crystal in a few words: what a reader of a file has to compare with the crystal that he meant."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.phonons.symmetry import dataset

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

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


@dataclass(frozen=True)
class Neighbours:
    """How far a model of a crystal has to see, in Å.

    `nearest_A` is the smallest distance, of the elements `nearest`; above `connected_A` the bonds between all atoms that
    are nearer hold the whole crystal together, in all directions; above `second_A` each atom has its second neighbours.
    """

    nearest_A: float
    nearest: tuple[str, str]
    connected_A: float
    second_A: float


def neighbours(primitive: Atoms) -> Neighbours:
    """Of a crystal by its primitive cell; distances that differ by less than 5 % are of one shell."""
    from ase.neighborlist import neighbor_list

    distance, (first, second) = nearest(primitive)
    atoms = primitive.repeat(2)  # layers and chains that do not touch are several parts of it
    cutoff = 1.7 * distance
    while True:
        i, j, lengths = neighbor_list("ijd", atoms, cutoff)
        joined, beyond = _joined(i, j, lengths, len(atoms)), _second(i, lengths, len(atoms))
        if joined is not None and beyond is not None:
            return Neighbours(distance, (primitive.symbols[first], primitive.symbols[second]), joined, beyond)
        cutoff *= 1.4


def _joined(i: NDArray[np.int64], j: NDArray[np.int64], lengths: NDArray[np.float64], atoms: int) -> float | None:
    """The longest bond that it takes to join all atoms; None where these bonds do not."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import minimum_spanning_tree

    apart = i < j
    longest_first = np.argsort(-lengths[apart])
    shortest = {(int(a), int(b)): float(d) for a, b, d in zip(*(x[apart][longest_first] for x in (i, j, lengths)), strict=True)}
    if not shortest:
        return 0.0 if atoms == 1 else None
    rows, columns = zip(*shortest, strict=True)
    tree = minimum_spanning_tree(csr_matrix((list(shortest.values()), (rows, columns)), shape=(atoms, atoms)))
    return float(tree.data.max()) if tree.nnz == atoms - 1 else None


def _second(i: NDArray[np.int64], lengths: NDArray[np.float64], atoms: int) -> float | None:
    """The largest distance of an atom to its second shell; None where one has none in reach."""
    first = np.full(atoms, np.inf)
    np.minimum.at(first, i, lengths)
    later = lengths > 1.05 * first[i]
    second = np.full(atoms, np.inf)
    np.minimum.at(second, i[later], lengths[later])
    return float(second.max()) if np.isfinite(second).all() else None


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
