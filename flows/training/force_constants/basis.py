"""Force constants that the symmetry of a crystal allows, as interactions between sites."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count, product
from math import factorial
from typing import TYPE_CHECKING

import numpy as np

from flows.phonons.symmetry import rotations
from flows.training.force_constants.sites import Sites, nearest_image, symmetric_matrix

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

ORDERS = (2, 3, 4)
MOST_ELEMENTS = 30_000_000
"""Of force constants, for symfc: measured, 2e7 take 8 s and 1 GB, 4e7 a minute and more than most machines have."""

_SAME_A = 1e-4  # two images are as far away


@dataclass(frozen=True, eq=False)
class Interactions:
    """Those of one order n: M tuples of sites whose first is in the home cell, with P tensors each.

    `basis` (M, n): atoms of the primitive cell; `translations` (M, n, 3): the cells that they stand in, the first at
    zero; `tensors` (M, 3**n, P): d^n E / du^n in eV/Å^n, where P parameters are 1.
    """

    order: int
    basis: NDArray[np.int64]
    translations: NDArray[np.int64]
    tensors: NDArray

    @property
    def count(self) -> int:
        """Of the parameters."""
        return int(self.tensors.shape[2])

    def weighted(self, parameters: NDArray) -> Interactions:
        """With the one tensor that `parameters` (P,) make."""
        return Interactions(self.order, self.basis, self.translations, self.tensors @ np.asarray(parameters)[:, None])

    def sites(self, cell: Sites) -> NDArray[np.int64]:
        """(cells, M, n): the sites that they join, from each primitive cell of a supercell."""
        homes = cell.translations[:: len(cell.primitive)]
        return cell.index(self.basis[None], homes[:, None, None] + self.translations[None])

    def energies(self, u: NDArray, cell: Sites) -> NDArray:
        """(frames, P): the energies in eV of displacements `u` (frames, N, 3) in Å, of each parameter at 1."""
        if not self.count:
            return np.zeros((len(u), 0))
        joined = self.sites(cell)
        found = [self._products(frame, joined) for frame in u]
        return np.stack(found) @ self.tensors.reshape(-1, self.count) / factorial(self.order)

    def forces(self, u: NDArray, cell: Sites) -> NDArray:
        """(N, 3, P): the forces in eV/Å of one frame's displacements (N, 3) in Å, of each parameter at 1."""
        joined = self.sites(cell)
        found = np.zeros((len(cell), 3, self.count))
        for first in np.unique(self.basis[:, 0]):
            mine = np.flatnonzero(self.basis[:, 0] == first)
            others = outer(u, joined[:, mine, 1:])  # (cells, m, 3**(n-1))
            tensors = self.tensors[mine].reshape(len(mine), 3, -1, self.count)
            found[joined[:, mine[0], 0]] = -np.einsum("cmk,makp->cap", others, tensors, optimize=True)
        return found / factorial(self.order - 1)

    def _products(self, u: NDArray, joined: NDArray) -> NDArray:
        return outer(u, joined).sum(axis=0).ravel()


def outer(u: NDArray, joined: NDArray) -> NDArray:
    """(cells, M, 3**k): the products of the displacements of k sites."""
    found = u[joined[..., 0]]
    for number in range(1, joined.shape[-1]):
        found = (found[..., :, None] * u[joined[..., number]][..., None, :]).reshape(*joined.shape[:2], -1)
    return found


@dataclass(frozen=True, eq=False)
class SymmetryBasis:
    """What symmetry, permutations and sum rules leave of the force constants of each order, in `cell`.

    `cell` is the smallest cell made of training cells that has the whole point group of the crystal.
    """

    cell: Sites
    cutoffs_A: Mapping[int, float | None]
    orders: tuple[Interactions, ...]

    @property
    def counts(self) -> dict[int, int]:
        """How many parameters each order has."""
        return {one.order: one.count for one in self.orders}


def symmetric_cell(primitive: Atoms, training: Sites) -> Sites:
    """The sites of the smallest cell made of whole `training` cells that has all symmetry of the crystal."""
    return Sites.of_matrix(primitive, symmetric_matrix(training.matrix, rotations(primitive)))


def symmetry_basis(cell: Sites, cutoffs_A: Mapping[int, float | None]) -> SymmetryBasis:
    """The force constants of the orders that `cutoffs_A` names (2, 3, 4), up to its distances (None: all of `cell`).

    By symfc (A. Seko, A. Togo, Phys. Rev. B 110, 214302 (2024)): space group, permutations, translational sum rules.

    Raises:
        ValueError: an order above 2 without a cutoff.
    """
    found = []
    for order, cutoff in sorted(cutoffs_A.items()):
        if order > 2 and cutoff is None:
            raise ValueError(f"force constants of order {order} need a cutoff")
        whole = cell if order == 2 else _unambiguous(cell.primitive, cutoff or 0.0)
        found.append(_known(_Cell(_content(whole), whole), order, cutoff))
    return SymmetryBasis(cell, dict(cutoffs_A), tuple(found))


@dataclass(frozen=True)
class _Cell:
    """Equal to another that has the same content."""

    content: tuple[bytes, ...]
    sites: Sites = field(compare=False)


def _content(cell: Sites) -> tuple[bytes, ...]:
    crystal = cell.primitive
    return tuple(np.asarray(one).tobytes() for one in (crystal.numbers, crystal.positions, crystal.cell.array, cell.matrix))


@lru_cache(maxsize=64)  # many fits in one cell
def _known(cell: _Cell, order: int, cutoff: float | None) -> Interactions:
    return _interactions(cell.sites, order, cutoff)


def is_affordable(primitive: Atoms, order: int, cutoff_A: float) -> bool:
    """Whether symfc finds the force constants of an order in seconds: the elements that it looks at are counted."""
    atoms = len(_unambiguous(primitive, cutoff_A))
    return len(primitive) * atoms ** (order - 1) * 3**order <= MOST_ELEMENTS


def _unambiguous(primitive: Atoms, cutoff_A: float | None) -> Sites:
    """The smallest repetition of the primitive cell in which sites within the cutoff of one another have one set of images.

    Three sites may each be near the next, and the last near another image of the first: no lattice vector may be as short
    as three times the cutoff. What joins sites so near is the same in every cell, and the work of order n grows with the nth power of its atoms.
    """
    turns = rotations(primitive)
    for most in count(2):
        repeats = sorted(product(range(1, most + 1), repeat=3), key=lambda one: int(np.prod(one)))
        for one in repeats:
            matrix = np.diag(one)
            cell = Sites.of_matrix(primitive, matrix)
            wide = 2 * longest_unambiguous(cell) > 3 * (cutoff_A or 0.0)
            if wide and np.array_equal(symmetric_matrix(matrix, turns), matrix):
                return cell
    raise AssertionError


def longest_unambiguous(cell: Sites) -> float:
    """Half of the shortest lattice vector, Å: no farther pair is sure to have one nearest image."""
    from ase.geometry import minkowski_reduce

    reduced, _ = minkowski_reduce(cell.cell)
    return 0.5 * float(np.linalg.norm(reduced, axis=1).min()) - _SAME_A


def farthest(cell: Sites) -> float:
    """The longest distance in Å of two sites of a cell, each pair by its nearest images."""
    homes = cell.positions[: len(cell.primitive)]
    away = nearest_image(cell.positions[None] - homes[:, None], cell.cell)
    return float(np.linalg.norm(away, axis=2).max())


def _interactions(cell: Sites, order: int, cutoff_A: float | None) -> Interactions:
    from scipy.sparse import csr_matrix
    from symfc import Symfc
    from symfc.utils.utils import SymfcAtoms

    scaled = cell.positions @ np.linalg.inv(cell.cell)
    atoms = SymfcAtoms(cell=cell.cell, scaled_positions=scaled, numbers=cell.numbers)
    made = Symfc(atoms, cutoff={order: cutoff_A}, log_level=0).compute_basis_set(orders=[order])
    basis = made.basis_set[order]
    rows = csr_matrix(basis.compact_compression_matrix)  # (homes N..N 3..3, compressed), most of it empty
    used = np.flatnonzero(np.diff(rows.indptr))
    return _listed(cell, order, np.asarray(made.p2s_map), used, rows[used] @ basis.basis_set)


def _listed(cell: Sites, order: int, homes: NDArray, used: NDArray, values: NDArray) -> Interactions:
    """From the rows (R,) that are not empty, and what is in them (R, P)."""
    place = np.unravel_index(used, (len(homes), *(len(cell),) * (order - 1), *(3,) * order))
    tuples = np.stack([homes[place[0]], *place[1:order]], axis=1)
    axes = np.ravel_multi_index(place[order:], (3,) * order)
    distinct, which = np.unique(tuples, axis=0, return_inverse=True)
    dense = np.zeros((len(distinct), 3**order, values.shape[1]))
    dense[which.ravel(), axes] = values
    images = [(number, shifts, share) for number, one in enumerate(distinct) for shifts, share in _images(cell, one)]
    chosen = np.array([number for number, _, _ in images], dtype=np.int64)
    share = np.array([one for _, _, one in images])
    return Interactions(
        order,
        cell.basis[distinct[chosen]].reshape(-1, order),
        np.array([shifts for _, shifts, _ in images], dtype=np.int64).reshape(-1, order, 3),
        dense[chosen] * share[:, None, None],
    )


def _images(cell: Sites, sites: NDArray) -> Iterator[tuple[NDArray, float]]:
    """Where the sites stand, seen from the first: those of a pair as near as any image; equally near ones share it."""
    home, others = sites[0], sites[1:]
    start = cell.translations[home]
    if len(others) == 1:
        shifts = _nearest(cell, home, others[0])
        for shift in shifts:
            yield np.stack([start, shift]) - start, 1 / len(shifts)
        return
    yield np.stack([start, *(_nearest(cell, home, one)[0] for one in others)]) - start, 1.0


def _nearest(cell: Sites, home: int, other: int) -> NDArray[np.int64]:
    span = np.array(list(product(range(-2, 3), repeat=3))) @ _short(cell)
    shifts = cell.translations[other] + span
    away = cell.primitive.positions[cell.basis[other]] + shifts @ cell.primitive.cell.array - cell.positions[home]
    lengths = np.linalg.norm(away, axis=1)
    return np.asarray(shifts[lengths < lengths.min() + _SAME_A])


def _short(cell: Sites) -> NDArray[np.int64]:
    from ase.geometry import minkowski_reduce

    _, made_of = minkowski_reduce(cell.cell)
    return np.asarray(made_of @ cell.matrix)
