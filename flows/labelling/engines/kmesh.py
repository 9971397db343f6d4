"""Meshes of k-points by their distance, as VASP's KSPACING has it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from flows.labelling.engines.values import Mesh

if TYPE_CHECKING:
    from ase import Atoms

_SAME = 1e-6  # of a number of k-points: a cell that was read from a file has its digits alone


def mesh_by_spacing(atoms: Atoms, spacing_per_A: float) -> Mesh:
    """The k-points along each reciprocal vector (with 2π) of a cell: so many that none are further apart."""
    lengths = 2 * math.pi * (atoms.cell.reciprocal().array ** 2).sum(axis=1) ** 0.5
    first, second, third = (max(1, math.ceil(one / spacing_per_A - _SAME)) for one in lengths)
    return first, second, third
