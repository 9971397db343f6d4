"""The cells of a system: conventional from a prototype or a file, the others from it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from campaign.spec.parts import IntMatrix, StructureSpec
from campaign.spec.plausibility import (
    refuse_alternatives,
    refuse_broken_symmetry,
    refuse_disordered,
    refuse_displaced,
    refuse_isotopes,
    refuse_overlapping,
    refuse_scattered,
    refuse_shared,
    refuse_unclear_origin,
)

if TYPE_CHECKING:
    from ase import Atoms


def prototype_cell(spec: StructureSpec) -> Atoms:
    """The cubic conventional cell of a prototype, its lattice vectors along x, y, z.

    Raises:
        ValueError: its atoms overlap, or are far from each other.
    """
    from ase.build import bulk

    atoms = bulk("".join(spec.symbols or ()), spec.prototype, a=spec.a, cubic=True)
    name = f"{spec.prototype} with a = {spec.a:g}"
    refuse_scattered(atoms, name)
    refuse_overlapping(atoms, name)
    return atoms


def read_cell(path: Path, structure: StructureSpec) -> Atoms:
    """The structure in a file, as it is.

    Raises:
        ValueError: the file holds no periodic structure, not that frame, or what no ordered crystal is.
    """
    images, frame = _images(path), structure.frame
    if len(images) > 1 and frame is None:
        raise ValueError(f"{path.name} holds {len(images)} frames; name one with frame")
    if (frame or 0) >= len(images):
        raise ValueError(f"{path.name} has no frame {frame}: it holds {len(images)}, counted from 0")
    atoms = images[frame or 0]
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        raise ValueError(f"{path.name} has a position or a cell that is not finite")
    if not atoms.pbc.all() or abs(atoms.cell.volume) < 1e-6:
        raise ValueError(f"{path.name} holds no periodic cell")
    refuse_disordered(atoms, path.name)
    refuse_alternatives(path)
    refuse_isotopes(atoms, path.name)
    refuse_unclear_origin(atoms, path)
    refuse_scattered(atoms, path.name)
    refuse_overlapping(atoms, path.name)
    refuse_broken_symmetry(atoms, path.name)
    if not structure.no_symmetry:
        refuse_displaced(atoms, path.name)
    return atoms


def _images(path: Path) -> list[Atoms]:
    from ase.io import read

    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            images = cast("list[Atoms]", read(path, index=":"))
    except Exception as error:  # every format of ASE has its own
        raise ValueError(
            f"no structure could be read from {path.name} ({_short(error)}); give CIF, POSCAR or extended XYZ"
        ) from None
    refuse_shared([str(one.message) for one in said], path)
    return images


def repeat(atoms: Atoms, matrix: IntMatrix) -> Atoms:
    """The supercell whose lattice vectors are `matrix` times those of `atoms`."""
    from ase.build import make_supercell

    return make_supercell(atoms, matrix)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
