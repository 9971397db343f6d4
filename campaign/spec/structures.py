"""The cells of a system: conventional from a prototype or a file, the others from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from campaign.spec.parts import IntMatrix, StructureSpec

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
    return atoms


def repeat(atoms: Atoms, matrix: IntMatrix) -> Atoms:
    """The supercell whose lattice vectors are `matrix` times those of `atoms`."""
    from ase.build import make_supercell

    return make_supercell(atoms, matrix)


def primitive_cell(conventional: Atoms) -> Atoms:
    """The primitive cell in the orientation of the conventional one, at its lattice constant.

    Raises:
        ValueError: no symmetry could be found.
    """
    import spglib
    from ase import Atoms

    cell = (conventional.cell.array, conventional.get_scaled_positions(), conventional.numbers)
    found = spglib.standardize_cell(cell, to_primitive=True, no_idealize=True, symprec=1e-5)
    if found is None:
        raise ValueError("its symmetry cannot be found; check for atoms on top of each other")
    lattice, positions, numbers = found
    return Atoms(numbers=numbers, scaled_positions=positions, cell=lattice, pbc=True)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
