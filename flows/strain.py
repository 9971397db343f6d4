"""How far one lattice is from another, and how far two may be apart and still be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LATTICE_TOLERANCE = 2e-3
"""Relative: a table that rounds to 0.01 Å is near enough, another functional is not. Frequencies are off by some five
times as much."""

_AXES = "xyz"
_ISOTROPIC = 1e-4


def strain(cell: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """The strain (3, 3) that makes the lattice `cell` into `other` (rows: vectors), however `other` is rotated.

    other = cell (1 + strain) R with a rotation R: the left polar decomposition, strain symmetric, in the axes of `cell`.
    """
    gradient = np.linalg.inv(np.asarray(cell, dtype=float)) @ np.asarray(other, dtype=float)
    squares, axes = np.linalg.eigh(gradient @ gradient.T)
    stretch: NDArray[np.float64] = (axes * np.sqrt(np.maximum(squares, 0.0))) @ axes.T
    return stretch - np.eye(3)


def size(found: NDArray[np.float64]) -> float:
    """The largest component of a strain, without its sign."""
    return float(np.abs(found).max())


def largest(found: NDArray[np.float64]) -> str:
    """The largest component of a strain in words: `e_xx = -0.75 %`."""
    i, j = np.unravel_index(int(np.abs(found).argmax()), (3, 3))
    return f"e_{''.join(sorted((_AXES[i], _AXES[j])))} = {100 * found[i, j]:+.2g} %"


def is_isotropic(found: NDArray[np.float64]) -> bool:
    """Whether the two lattices differ by one factor."""
    return size(found - np.eye(3) * np.trace(found) / 3) < _ISOTROPIC


def lattice_constant(cell: ArrayLike) -> float | None:
    """Of a cube, in whatever orientation (Å); None where `cell` is none."""
    squares = np.asarray(cell, dtype=float) @ np.asarray(cell, dtype=float).T
    mean = float(np.trace(squares)) / 3
    return mean**0.5 if np.abs(squares - mean * np.eye(3)).max() < 1e-6 * mean else None
