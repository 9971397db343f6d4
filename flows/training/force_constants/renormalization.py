"""How far the force constants of a fit are from those of small displacements, and how sure that is.

A fit to displaced atoms finds effective force constants: the orders that it does not hold, and higher ones of whole crystals that no
short range holds, renormalize them (D. C. Wallace, Thermodynamics of Crystals, 1972). The mean square displacement s is what these
follow first: Φ(s) = Φ + s Φ'. Where all frames have the same s, nothing tells Φ' from Φ, and what is left over is small whatever Φ' is:
no residual shows that error. So the size of Φ' is expected, and the labels narrow it where they can.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from flows.training.force_constants.choice import Tried
from flows.training.force_constants.fit import Observations, fitted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flows.training.force_constants.basis import Interactions, SymmetryBasis
    from flows.training.force_constants.frames import Frames

RENORMALIZED = 100  # the group of its columns

LINDEMANN = 0.1
"""Root mean square displacement in distances of nearest neighbours: of a crystal that is about to melt."""

CHANGE = 0.07
"""By how much of the base's stiffness that of a difference is expected to change up to there, one standard deviation. As much as the
base's own: the optical mode of diamond at Γ, eight atoms, by PySCF, changes by 7 % of its stiffness (PBE, and CCSD(T) - PBE), and by 1 to
2 % (HF - PBE, MP2 - PBE)."""

USUAL_CHANGE = 0.025
"""What a forecast takes for it before there are labels: between the 1 % that the 200 published labels of diamond tell (32 atoms) and the 7 %
of eight atoms at Γ."""


def renormalized(frames: Frames, one: Tried) -> Tried:
    """The same fit with Φ' free: its pairs are those at rest, and their covariance has what is not known of Φ'."""
    seen = with_change(frames, one.basis, one.seen)
    return replace(one, seen=seen, posterior=fitted(seen, {RENORMALIZED: CHANGE}))


def with_change(frames: Frames, basis: SymmetryBasis, seen: Observations) -> Observations:
    """The rows `seen` of `frames` with a column for the Φ' of each parameter of the pairs, 1 where it is the base's stiffness."""
    pairs = basis.orders[0]
    more = [_energies(frames, pairs)]
    if frames.with_forces:
        more += [_forces(frames, pairs, at) for at in range(len(frames.keys))]
    rows = np.concatenate([seen.rows, np.concatenate(more) * _stiffness(frames, pairs)], axis=1)
    return replace(seen, rows=rows, groups=np.concatenate([seen.groups, np.full(pairs.count, RENORMALIZED)]))


def _amplitudes(frames: Frames) -> NDArray:
    """(frames,): the mean square displacement, 1 at Lindemann's."""
    return np.asarray((frames.u**2).sum(axis=2).mean(axis=1) / _unit_A2(frames))


def _unit_A2(frames: Frames) -> float:
    return (LINDEMANN * frames.sites.nearest_A) ** 2


def _energies(frames: Frames, pairs: Interactions) -> NDArray:
    return np.asarray(_amplitudes(frames)[:, None] * pairs.energies(frames.u, frames.sites))


def _forces(frames: Frames, pairs: Interactions, at: int) -> NDArray:
    """(3 N, P): less the gradient of the energies."""
    u, atoms = frames.u[at], len(frames.sites)
    energies = pairs.energies(u[None], frames.sites)[0]
    slope = 2 * u / (atoms * _unit_A2(frames))
    found = _amplitudes(frames)[at] * pairs.forces(u, frames.sites) - slope[:, :, None] * energies
    return np.asarray(found.reshape(3 * atoms, -1))


def _stiffness(frames: Frames, pairs: Interactions) -> float:
    """RMS of the parameters of the base's own pairs, by its energies."""
    rows = np.concatenate([np.ones((len(frames.keys), 1)), pairs.energies(frames.u, frames.sites)], axis=1)
    size = np.sqrt((rows**2).mean(axis=0))
    size = np.where(size > 0, size, 1.0)
    found = np.linalg.lstsq(rows / size, frames.base_eV, rcond=None)[0] / size
    return float(np.sqrt((found[1:] ** 2).mean()))
