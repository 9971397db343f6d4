"""Frames of two levels as displacements from the sites of their crystal, and the rows that they give to a fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from flows.training.force_constants.basis import SymmetryBasis
from flows.training.force_constants.fit import BASE, CONSTANT, Observations
from flows.training.force_constants.sites import Sites, placed

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from flows.records import Label

@dataclass(frozen=True, eq=False)
class Frames:
    """F frames of N atoms in one supercell: `u` (F, N, 3) in Å, `base_eV` and `difference_eV` (F,) per cell, and the forces
    of both (F, N, 3), eV/Å, zero and `with_forces` False where a level has none. `left_out`: structure and reason."""

    sites: Sites
    keys: tuple[str, ...]
    u: NDArray
    base_eV: NDArray
    difference_eV: NDArray
    base_forces: NDArray
    difference_forces: NDArray
    with_forces: bool
    left_out: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, primitive: Atoms, pairs: Iterable[tuple[Label, Label]]) -> Frames:
        """From labels (upper, base), each pair of one structure; those that leave their sites are left out and named.

        Raises:
            ValueError: no frame is left; its message gives the reason of the first.
        """
        pairs = list(pairs)
        sites, places = placed(primitive, (base.structure.atoms() for _, base in pairs))
        rows, left_out = [], []
        with_forces = bool(pairs) and all(one.forces_eV_A is not None for pair in pairs for one in pair)
        for (upper, base), place in zip(pairs, places, strict=True):
            if isinstance(place, str):
                left_out.append((base.structure_key, place))
                continue
            u, order = place
            forces = [np.array(one.forces_eV_A)[order] if with_forces else np.zeros_like(u) for one in (upper, base)]
            rows.append((base.structure_key, u, base.energy_eV, upper.energy_eV - base.energy_eV, forces[1], forces[0] - forces[1]))
        if sites is None or not rows:
            raise ValueError(left_out[0][1] if left_out else "there are no structures with labels of both levels")
        keys, moved, energies, differences, base_forces, forces_apart = zip(*rows, strict=True)
        return cls(
            sites=sites,
            keys=keys,
            u=np.array(moved),
            base_eV=np.array(energies),
            difference_eV=np.array(differences),
            base_forces=np.array(base_forces),
            difference_forces=np.array(forces_apart),
            with_forces=with_forces,
            left_out=tuple(left_out),
        )

    def of_some(self, chosen: Iterable[int]) -> Frames:
        """Those frames, in that order."""
        at = list(chosen)
        names = ("u", "base_eV", "difference_eV", "base_forces", "difference_forces")
        arrays = {name: getattr(self, name)[at] for name in names}
        return replace(self, keys=tuple(self.keys[one] for one in at), **arrays)

    def observations(self, basis: SymmetryBasis, with_base: bool) -> Observations:
        """The rows of a fit: an energy of each frame, and its forces where both levels have them.

        Columns: 1, E_base above its mean where `with_base`, then the parameters of `basis`.
        """
        count, atoms = self.u.shape[:2]
        base = [(self.base_eV - self.base_eV.mean())[:, None]] if with_base else []
        columns = [np.ones((count, 1)), *base, *(one.energies(self.u, self.sites) for one in basis.orders)]
        rows, values = [np.concatenate(columns, axis=1)], [self.difference_eV]
        frames = [np.arange(count)]  # which frame each row is of
        if self.with_forces:
            for number in range(count):
                more = [self.base_forces[number].reshape(-1, 1)] if with_base else []
                found = (one.forces(self.u[number], self.sites).reshape(3 * atoms, -1) for one in basis.orders)
                rows.append(np.concatenate([np.zeros((3 * atoms, 1)), *more, *found], axis=1))
                values.append(self.difference_forces[number].ravel())
                frames.append(np.full(3 * atoms, number))
        groups = [CONSTANT, *([BASE] if with_base else []), *(one.order for one in basis.orders for _ in range(one.count))]
        at = np.concatenate(frames)
        are_forces = np.arange(len(at)) >= count
        amplitudes = np.where(are_forces, 0.0, (self.base_eV - self.base_eV.min())[at])
        return Observations(np.concatenate(rows), np.concatenate(values), amplitudes, are_forces, np.array(groups))
