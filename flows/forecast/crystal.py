"""The harmonic crystal of a base level, by its own forces, and what a difference upon it does to all its modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flows.phonons.qpoints import commensurate
from flows.phonons.uncertainty import Modes, dynamical_matrices, variances
from flows.records import Reach
from flows.training.force_constants.basis import SymmetryBasis, is_affordable, symmetric_cell, symmetry_basis
from flows.training.force_constants.candidates import Cutoffs, first_shell, shell_ends
from flows.training.force_constants.design import SHELLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flows.training.force_constants.frames import Frames
    from flows.training.force_constants.model import ForceConstants
    from flows.training.force_constants.sites import Sites

ACOUSTIC = 3


@dataclass(frozen=True, eq=False)
class BaseCrystal:
    """The wave vectors `qpoints` (Q, 3) of the symmetric cell, Γ first, and the base's dynamical matrices there (Q, 3n, 3n)."""

    cell: Sites
    qpoints: NDArray
    matrices: NDArray
    basis: SymmetryBasis
    parameters: NDArray

    @classmethod
    def of(cls, frames: Frames) -> BaseCrystal:
        """From the forces of the base in the half of `frames` with the lower energies; nearest neighbours have orders 3 and 4
        too, which take what is anharmonic.

        Raises:
            ValueError: the base has no forces.
        """
        if not frames.with_forces:
            raise ValueError("the base has no forces at these structures, and its modes are not known")
        cell = symmetric_cell(frames.sites.primitive, frames.sites)
        basis = symmetry_basis(cell, usual_cutoffs(cell))
        cool = np.argsort(frames.base_eV, kind="stable")[: -(-len(frames.keys) // 2)]
        rows = np.concatenate([_rows(frames, basis, at) for at in cool])
        size = np.sqrt((rows**2).mean(axis=0))
        size = np.where(size > 0, size, 1.0)
        values = np.concatenate([frames.base_forces[at].ravel() for at in cool])
        parameters = np.linalg.lstsq(rows / size, values, rcond=None)[0] / size
        qpoints = _gamma_first(commensurate(cell.matrix))
        pairs = basis.orders[0]
        masses = cell.primitive.get_masses()
        matrices = [np.tensordot(parameters[: pairs.count], dynamical_matrices(pairs, cell.primitive, q, masses), 1) for q in qpoints]
        return cls(cell, qpoints, np.array(matrices), basis, parameters)

    def modes(self, model: ForceConstants) -> list[Modes]:
        """All modes of the base with `model` on it, by wave vector."""
        primitive, pairs = model.primitive, model.interactions[0]
        masses = primitive.get_masses()
        return [
            Modes.of_matrix(q, masses, (1 + model.slope) * base + dynamical_matrices(pairs, primitive, q, masses)[0])
            for q, base in zip(self.qpoints, self.matrices, strict=True)
        ]

    def frequencies_cm1(self, model: ForceConstants) -> NDArray:
        """(modes,): of all but the translations."""
        modes = self.modes(model)
        return np.concatenate([_optical(modes[0], modes[0].frequencies), *(one.frequencies for one in modes[1:])])

    def reach(self, model: ForceConstants, count: int) -> Reach:
        """What the errors of `model` with `count` labels are to its modes."""
        modes = self.modes(model)
        at_gamma = _optical(modes[0], variances(model, modes[0]))
        every = np.concatenate([at_gamma, *(variances(model, one) for one in modes[1:])])
        gamma = float(np.sqrt(at_gamma[-1])) if len(at_gamma) else None
        return Reach(count=count, modes_cm1=float(np.sqrt(every.mean())) if len(every) else 0.0, gamma_cm1=gamma)


def _optical(at_gamma: Modes, values: NDArray) -> NDArray:
    """Those of `values`, one of each mode at Γ, that are of no translation."""
    return values[np.sort(np.argsort(np.abs(at_gamma.frequencies), kind="stable")[ACOUSTIC:])]


def usual_cutoffs(cell: Sites) -> Cutoffs:
    """Pairs as far as differences of levels reach, and orders 3 and 4 among nearest neighbours where these are affordable."""
    nearest = first_shell(cell)
    higher = {order: nearest for order in (3, 4) if is_affordable(cell.primitive, order, nearest)}
    return {2: shell_ends(cell)[:SHELLS][-1], **higher}


def rms_apart_cm1(one: NDArray, other: NDArray) -> float:
    """RMS over all modes of two sets of frequencies, each sorted by wave vector."""
    return float(np.sqrt(((one - other) ** 2).mean())) if len(one) else 0.0


def _rows(frames: Frames, basis: SymmetryBasis, at: int) -> NDArray:
    found = [one.forces(frames.u[at], frames.sites).reshape(-1, one.count) for one in basis.orders]
    return np.concatenate(found, axis=1)


def _gamma_first(qpoints: NDArray) -> NDArray:
    return qpoints[np.argsort(np.abs(qpoints - np.rint(qpoints)).sum(axis=1), kind="stable")]
