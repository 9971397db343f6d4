"""The cells of a system: conventional from a prototype or a file, the others from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from campaign.spec.parts import IntMatrix, StructureSpec
from flows.phonons.symmetry import SYMPREC_A, spacegroup

if TYPE_CHECKING:
    from ase import Atoms


def prototype_cell(spec: StructureSpec) -> Atoms:
    """The cubic conventional cell of a prototype, its lattice vectors along x, y, z."""
    from ase.build import bulk

    return bulk("".join(spec.symbols or ()), spec.prototype, a=spec.a, cubic=True)


def read_cell(path: Path, frame: int | None) -> Atoms:
    """The structure in a file, as it is.

    Raises:
        ValueError: the file holds no periodic structure, or not that frame.
    """
    from ase.io import read

    try:
        images = cast("list[Atoms]", read(path, index=":"))
    except Exception as error:  # every format of ASE has its own
        raise ValueError(
            f"no structure could be read from {path.name} ({_short(error)}); give CIF, POSCAR or extended XYZ"
        ) from None
    if len(images) > 1 and frame is None:
        raise ValueError(f"{path.name} holds {len(images)} frames; name one with frame")
    if (frame or 0) >= len(images):
        raise ValueError(f"{path.name} has no frame {frame}: it holds {len(images)}, counted from 0")
    atoms = images[frame or 0]
    if not atoms.pbc.all() or abs(atoms.cell.volume) < 1e-6:
        raise ValueError(f"{path.name} holds no periodic cell")
    if path.suffix in (".xyz", ".extxyz"):
        _refuse_displaced(atoms, path.name)
    return atoms


def _refuse_displaced(atoms: Atoms, name: str) -> None:
    """A frame of an MD would be taken for a crystal with its displacements."""
    if len(atoms) > 1 and spacegroup(atoms) == 1:
        raise ValueError(
            f"the frame of {name} has no symmetry within {SYMPREC_A} Å, as in an MD; "
            "give an undisplaced frame, or a prototype at its lattice constant"
        )


def repeat(atoms: Atoms, matrix: IntMatrix) -> Atoms:
    """The supercell whose lattice vectors are `matrix` times those of `atoms`."""
    from ase.build import make_supercell

    return make_supercell(atoms, matrix)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
