"""How the atoms of a crystal move in its modes: complex displacements at q-points of a band path.

An atom of the primitive cell's site j that rests at r (fractional, of the primitive vectors) is moved in a mode by
u(t) = Re[W_j exp(i (2π q·r - ω t))], where W_j is e_j / sqrt(m_j): eigenvectors e are those of phonopy, whose dynamical
matrix has the phases of the atoms' positions (Togo and Tanaka, Scr. Mater. 108, 1 (2015)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from flows.phonons.harmonic import HarmonicCrystal, cm1_per_THz

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray

EDGE = 1e-6  # of a fractional coordinate: an atom on a face of a box is shown on the opposite one, too


@dataclass(frozen=True)
class SegmentModes:
    """Modes at Q q-points of a segment: `frequencies_cm1` (Q, 3N), ascending, `displacements` (Q, 3N, N, 3), complex."""

    frequencies_cm1: NDArray[np.float64]
    displacements: NDArray[np.complex128]


@dataclass(frozen=True)
class Block:
    """Atoms of a crystal in a box: `sites` (M,) of the primitive cell, `positions` (M, 3) in Å, `fractional` (M, 3) in
    units of the primitive vectors."""

    sites: NDArray[np.int64]
    positions: NDArray[np.float64]
    fractional: NDArray[np.float64]

    @classmethod
    def of(cls, primitive: Atoms, box: ArrayLike) -> Self:
        """The atoms within `box` (rows: vectors, Å, from the first atom), those on its faces on both sides."""
        cell, corners = primitive.cell.array, np.asarray(box, dtype=float)
        ends = np.array(np.meshgrid(*[[0, 1]] * 3)).reshape(3, -1).T @ corners @ np.linalg.inv(cell)
        first, last = np.floor(ends.min(axis=0)).astype(int) - 1, np.ceil(ends.max(axis=0)).astype(int) + 1
        shifts = np.array(np.meshgrid(*map(np.arange, first, last + 1), indexing="ij")).reshape(3, -1).T
        own = primitive.get_scaled_positions(wrap=False)
        fractional = (shifts[:, None] + own).reshape(-1, 3)
        sites = np.tile(np.arange(len(own)), len(shifts))
        inside = (fractional - own[0]) @ cell @ np.linalg.inv(corners)
        kept = ((inside > -EDGE) & (inside < 1 + EDGE)).all(axis=1)
        return cls(sites[kept], fractional[kept] @ cell, fractional[kept])


def path_modes(crystal: HarmonicCrystal, segments: Sequence[ArrayLike]) -> list[SegmentModes]:
    """The modes at the (Q, 3) fractional q-points of each segment, in the order of its bands.

    With a non-analytical term, Γ at an end of a segment is the limit along it, as in `flows.phonons.spectra.bands`.
    """
    asked = [crystal.nearest_gamma(np.asarray(block, dtype=float)) for block in segments]
    found = crystal.phonopy.run_band_structure(asked, with_eigenvectors=True)
    assert found.eigenvectors is not None
    masses = np.asarray(crystal.phonopy.primitive.masses)
    return [
        SegmentModes(np.asarray(frequencies) * cm1_per_THz(), displacements(vectors, masses))
        for frequencies, vectors in zip(found.frequencies, found.eigenvectors, strict=True)
    ]


def displacements(eigenvectors: ArrayLike, masses: ArrayLike) -> NDArray[np.complex128]:
    """(..., modes, N, 3) of eigenvectors (..., 3N, modes): e_j / sqrt(m_j), the longest of a mode 1.

    Of each mode the phase is that in which its largest component is real and positive.
    """
    vectors = np.swapaxes(np.asarray(eigenvectors), -1, -2)
    weights = np.asarray(masses, dtype=float)
    moved = vectors.reshape(*vectors.shape[:-1], len(weights), 3) / np.sqrt(weights)[:, None]
    flat = moved.reshape(*moved.shape[:-2], -1)
    largest = np.take_along_axis(flat, np.abs(flat).argmax(axis=-1)[..., None], axis=-1)
    longest = np.linalg.norm(moved, axis=-1).max(axis=-1)[..., None]
    scaled = flat * (np.abs(largest) / largest) / longest
    return np.asarray(scaled.reshape(moved.shape))


def displaced(displacement: ArrayLike, qpoint: ArrayLike, block: Block, phase: float = 0.0) -> NDArray[np.float64]:
    """(M, 3): how far each atom of a `block` is from its site, where a mode (N, 3) of `qpoint` has come to ωt = -`phase`."""
    waves = np.exp(1j * (2 * np.pi * block.fractional @ np.asarray(qpoint, dtype=float) + phase))
    return np.asarray((np.asarray(displacement)[block.sites] * waves[:, None]).real)
