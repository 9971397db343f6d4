"""Force constants in one supercell: energies and forces of atoms near its sites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.training.force_constants.basis import Interactions, outer
from flows.training.force_constants.model import ForceConstants
from flows.training.force_constants.sites import FARTHEST, NoSites, Sites

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray


class Supercell:
    """The sites of one supercell, which atom is on which, and the pairs as one sparse matrix."""

    def __init__(self, model: ForceConstants, sites: Sites, order: NDArray, numbers: NDArray, cell: NDArray) -> None:
        self.model, self.sites, self.order = model, sites, order
        self.numbers, self.cell = numbers, cell
        self.pairs = _matrix([one for one in model.interactions if one.order == 2], sites)
        self.higher = [_Clusters(one, sites) for one in model.interactions if one.order > 2]
        self.constant_eV = model.constant_eV * (len(sites) // len(model.primitive))
        self._inverse = np.linalg.inv(cell)

    @classmethod
    def of(cls, model: ForceConstants, atoms: Atoms) -> Supercell:
        sites = Sites.of(model.primitive, atoms.cell.array)
        _, order = sites.displacements(atoms)
        return cls(model, sites, order, atoms.numbers.copy(), atoms.cell.array.copy())

    def is_of(self, atoms: Atoms) -> bool:
        return np.array_equal(self.numbers, atoms.numbers) and np.array_equal(self.cell, atoms.cell.array)

    def displacements(self, atoms: Atoms) -> NDArray:
        """(N, 3) in the order of the sites, their mean taken out.

        Raises:
            NoSites: an atom has left its site.
        """
        away = atoms.positions[self.order] - self.sites.positions
        away = away - away[0]  # as the first atom drifts, so do all: no memory of it, a resumed MD goes on bit by bit
        away = away - np.rint(away @ self._inverse) @ self.cell
        u = away - away.mean(axis=0)
        worst = float(np.sqrt((u**2).sum(axis=1).max()))
        if worst > FARTHEST * self.sites.nearest_A:
            raise NoSites(f"an atom is {worst:.2f} Å from its site: force constants know nothing of what is so far")
        return u

    def evaluate(self, atoms: Atoms) -> tuple[float, NDArray]:
        """Energy in eV and forces (N, 3) in eV/Å, in the order of the atoms; what a multiple of the base adds is not in it.

        Raises:
            NoSites: an atom has left its site.
        """
        u = self.displacements(atoms)
        pull = -(self.pairs @ u.ravel())
        energy = self.constant_eV - 0.5 * float(pull @ u.ravel())
        found = pull.reshape(-1, 3)
        for one in self.higher:
            more = one.forces(u)
            energy -= float((more * u).sum()) / one.order
            found = found + more
        by_atom = np.empty_like(found)
        by_atom[self.order] = found
        return energy, by_atom


class _Clusters:
    """The interactions of an order above two in one supercell; of a homogeneous polynomial, E = -u F / n."""

    def __init__(self, interactions: Interactions, sites: Sites) -> None:
        self.order = interactions.order
        self._of = [
            (joined[:, mine, 1:], joined[:, mine[0], 0], interactions.tensors[mine, :, 0].reshape(len(mine), 3, -1))
            for joined in [interactions.sites(sites)]
            for first in np.unique(interactions.basis[:, 0])
            for mine in [np.flatnonzero(interactions.basis[:, 0] == first)]
        ]
        self._factor = -1.0 / np.prod(np.arange(1, self.order))

    def forces(self, u: NDArray) -> NDArray:
        """(N, 3) in eV/Å."""
        found = np.zeros_like(u)
        for others, homes, tensors in self._of:
            products = outer(u, others)
            found[homes] = np.tensordot(products, tensors, axes=([1, 2], [0, 2]))
        return self._factor * found


def _matrix(pairs: Sequence[Interactions], sites: Sites) -> Any:
    """(3 N, 3 N), sparse: the force constants of the supercell, eV/Å²."""
    from scipy.sparse import coo_matrix

    rows, columns, values = [np.zeros(0, int)], [np.zeros(0, int)], [np.zeros(0)]
    for one in pairs:
        joined = one.sites(sites)
        shape = (*joined.shape[:2], 3, 3)
        axes = np.arange(3)
        rows.append(np.broadcast_to(3 * joined[..., 0, None, None] + axes[:, None], shape).ravel())
        columns.append(np.broadcast_to(3 * joined[..., 1, None, None] + axes, shape).ravel())
        values.append(np.broadcast_to(one.tensors[:, :, 0].reshape(-1, 3, 3), shape).ravel())
    size = 3 * len(sites)
    return coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(size, size)).tocsr()
