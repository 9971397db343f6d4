"""Sites of a crystal in any supercell of it, and how far the atoms of a frame are from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from flows.phonons.cells import supercell_matrix

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray

FARTHEST = 0.4
"""An atom farther than this part of the nearest-neighbour distance from its site belongs to no site."""

_PASSES = 4  # in which the origin of a frame settles


class NoSites(ValueError):
    """The atoms of a frame are not those of the crystal near its sites; the message names the atom."""


@dataclass(frozen=True, eq=False)
class Sites:
    """The sites of a supercell of `primitive`.

    `cell` (3, 3) in Å, rows; `matrix` (3, 3): the cell in units of the primitive vectors, rows; of each of the N sites
    `basis` (N,), the atom of the primitive cell, and `translations` (N, 3), the primitive cell that it stands in.
    """

    primitive: Atoms
    matrix: NDArray[np.int64]
    basis: NDArray[np.int64]
    translations: NDArray[np.int64]

    @classmethod
    def of(cls, primitive: Atoms, cell: ArrayLike) -> Sites:
        """Those of the supercell with lattice vectors `cell` (rows, Å).

        Raises:
            ValueError: it is not made of whole primitive cells.
        """
        return cls.of_matrix(primitive, supercell_matrix(primitive, cell))

    @classmethod
    def of_matrix(cls, primitive: Atoms, matrix: ArrayLike) -> Sites:
        whole = np.asarray(matrix, dtype=np.int64)
        inside = translations_within(whole)
        basis = np.tile(np.arange(len(primitive)), len(inside))
        return cls(primitive, whole, basis, np.repeat(inside, len(primitive), axis=0))

    def __len__(self) -> int:
        return len(self.basis)

    @cached_property
    def cell(self) -> NDArray:
        return np.asarray(self.matrix @ self.primitive.cell.array)

    @cached_property
    def positions(self) -> NDArray:
        """(N, 3) in Å."""
        return np.asarray(self.primitive.positions[self.basis] + self.translations @ self.primitive.cell.array)

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        return np.asarray(self.primitive.numbers[self.basis])

    @cached_property
    def nearest_A(self) -> float:
        """The distance of nearest neighbours."""
        from ase.geometry import get_distances

        reach = max(3, round(6 / len(self.primitive)))
        seen = self.primitive.repeat(reach)  # a primitive atom may be its own nearest neighbour
        _, lengths = get_distances(self.primitive.positions, seen.positions, cell=seen.cell, pbc=True)
        return float(lengths[lengths > 1e-6].min())

    def index(self, basis: NDArray, translations: NDArray) -> NDArray[np.int64]:
        """(...,): which sites atoms `basis` (...,) in primitive cells `translations` (..., 3) are, by periodicity."""
        return np.asarray(self._place[tuple(np.moveaxis(self._box(translations), -1, 0))] + basis)

    @cached_property
    def _form(self) -> NDArray[np.int64]:
        return hermite(self.matrix)

    @cached_property
    def _place(self) -> NDArray[np.int64]:
        """Where the first site of each primitive cell stands, by its place in the box of the Hermite form."""
        found = np.full(np.diag(self._form), -1, dtype=np.int64)
        first = np.arange(0, len(self), len(self.primitive))
        found[tuple(self._box(self.translations[first]).T)] = first
        return found

    def _box(self, translations: NDArray) -> NDArray[np.int64]:
        left = np.array(translations, dtype=np.int64)
        for axis in range(3):
            times = left[..., axis] // self._form[axis, axis]
            left = left - times[..., None] * self._form[axis]
        return left

    def displacements(self, atoms: Atoms) -> tuple[NDArray, NDArray[np.int64]]:
        """u (N, 3) in Å of a frame, in the order of the sites, their mean taken out; and which atom is on which site (N,).

        Atoms may be in any order, wrapped or not, and moved as a whole: each frame is assigned by itself, one atom to
        a site. Where several origins are possible, the one with the smallest displacements is taken.

        Raises:
            NoSites: other atoms than the crystal's, or an atom that is on no site.
        """
        if sorted(atoms.numbers) != sorted(self.numbers):
            raise NoSites(f"{atoms.get_chemical_formula()} is not {len(self) // len(self.primitive)} primitive cells")
        found = [self._from(atoms, origin) for origin in self._origins(atoms)]
        u, order = min(found, key=lambda one: float((one[0] ** 2).sum()))
        lengths = np.linalg.norm(u, axis=1)
        worst = int(lengths.argmax())
        if lengths[worst] > FARTHEST * self.nearest_A:
            raise NoSites(
                f"atom {order[worst]} is {lengths[worst]:.2f} Å from its site, more than {FARTHEST:g} of the distance "
                f"of nearest neighbours ({self.nearest_A:.2f} Å)"
            )
        return u, order

    def _origins(self, atoms: Atoms) -> list[NDArray]:
        """Where the first site of the crystal may be: the rarest kind of atom is on one of its sites."""
        kinds, counts = np.unique(self.primitive.numbers, return_counts=True)
        rarest = kinds[counts.argmin()]
        at = atoms.positions[int(np.flatnonzero(atoms.numbers == rarest)[0])]
        return [at - self.primitive.positions[one] for one in np.flatnonzero(self.primitive.numbers == rarest)]

    def _from(self, atoms: Atoms, origin: NDArray) -> tuple[NDArray, NDArray[np.int64]]:
        for _ in range(_PASSES):
            u, order = self._assigned(atoms, origin)
            mean = u.mean(axis=0)
            origin = origin + mean
            if np.linalg.norm(mean) < 1e-12:
                break
        return u - mean, order

    def _assigned(self, atoms: Atoms, origin: NDArray) -> tuple[NDArray, NDArray[np.int64]]:
        from scipy.optimize import linear_sum_assignment

        order = np.empty(len(self), dtype=np.int64)
        u = np.empty((len(self), 3))
        for kind in np.unique(self.numbers):
            of_sites, of_atoms = np.flatnonzero(self.numbers == kind), np.flatnonzero(atoms.numbers == kind)
            moved = nearest_image(
                atoms.positions[None, of_atoms] - origin - self.positions[of_sites, None], self.cell
            )
            row, column = linear_sum_assignment((moved**2).sum(axis=2))
            order[of_sites[row]] = of_atoms[column]
            u[of_sites[row]] = moved[row, column]
        return u, order


def placed(primitive: Atoms, frames: Iterable[Atoms]) -> tuple[Sites | None, list[tuple[NDArray, NDArray[np.int64]] | str]]:
    """The sites of the supercell of the first frame that is one, and of each frame its displacements and which atom is where,
    or why it is left out: of another cell, or far from the sites. Without sites there is no such frame."""
    sites: Sites | None = None
    found: list[tuple[NDArray, NDArray[np.int64]] | str] = []
    for atoms in frames:
        try:
            if sites is None:
                sites = Sites.of(primitive, atoms.cell.array)
            elif not np.allclose(sites.cell, atoms.cell.array, atol=1e-3):
                raise NoSites("its cell is another one than that of the other structures")
            found.append(sites.displacements(atoms))
        except ValueError as why:
            found.append(str(why))
    return sites, found


def nearest_image(vectors: NDArray, cell: NDArray) -> NDArray:
    """The shortest of the periodic images of `vectors` (..., 3), Å."""
    from ase.geometry import minkowski_reduce

    reduced, _ = minkowski_reduce(cell)
    flat = vectors.reshape(-1, 3)
    scaled = flat @ np.linalg.inv(reduced)
    near = (scaled - np.rint(scaled)) @ reduced
    # in a reduced cell the shortest image is among those of the neighbouring cells
    shifts = np.stack(np.meshgrid(*[(-1, 0, 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) @ reduced
    safe = 0.5 * np.linalg.norm(reduced, axis=1).min() * 0.5
    unsure = np.flatnonzero(np.linalg.norm(near, axis=1) > safe)
    images = near[unsure, None] + shifts
    near[unsure] = images[np.arange(len(unsure)), np.linalg.norm(images, axis=2).argmin(axis=1)]
    return near.reshape(vectors.shape)


def hermite(matrix: ArrayLike) -> NDArray[np.int64]:
    """The row-style Hermite normal form (upper triangular) of a lattice in integers: the same lattice, rows as vectors."""
    rows = [list(map(int, row)) for row in np.asarray(matrix)]
    size = len(rows[0])
    for column in range(size):
        while True:
            below = sorted((row for row in rows[column:] if row[column]), key=lambda row: abs(row[column]))
            if len(below) < 2:
                break
            smallest = below[0]
            for row in below[1:]:
                times = row[column] // smallest[column]
                row[:] = [one - times * other for one, other in zip(row, smallest, strict=True)]
        at = next(number for number in range(column, len(rows)) if rows[number][column])
        rows[column], rows[at] = rows[at], rows[column]
        if rows[column][column] < 0:
            rows[column] = [-one for one in rows[column]]
        for above in rows[:column]:
            times = above[column] // rows[column][column]
            above[:] = [one - times * other for one, other in zip(above, rows[column], strict=True)]
    return np.array(rows[:size], dtype=np.int64)


def translations_within(matrix: ArrayLike) -> NDArray[np.int64]:
    """(M, 3): one translation, in primitive vectors, for each primitive cell of a supercell."""
    counts = np.diag(hermite(matrix))
    return np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int64)


def symmetric_matrix(matrix: ArrayLike, rotations: NDArray) -> NDArray[np.int64]:
    """The smallest supercell made of whole cells `matrix` that all `rotations` of the crystal leave as it is.

    `rotations` (n, 3, 3) act on columns of fractional coordinates, as spglib's. It is what the lattices of all rotated
    cells have in common; the dual of that is the sum of their duals.
    """
    whole = np.asarray(matrix, dtype=np.int64)
    volume = round(abs(np.linalg.det(whole)))
    rotated = [whole @ rotation.T for rotation in rotations]
    dual = hermite(np.concatenate([np.rint(volume * np.linalg.inv(one).T).astype(np.int64) for one in rotated]))
    common = np.rint(volume * np.linalg.inv(dual).T).astype(np.int64)
    if all(np.array_equal(hermite(one), hermite(whole)) for one in rotated):
        return whole
    return _reduced(common)


def _reduced(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    found = hermite(matrix)
    return found if np.linalg.det(found) > 0 else found * np.array([[1], [1], [-1]])
