"""Born charges and dielectric tensor of a run of VASP (LEPSILON, LCALCEPS), for the primitive cell of a crystal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from xml.parsers.expat import ExpatError

from flows.phonons.nac_cells import charges_of_primitive

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms
    from numpy.typing import NDArray


def is_vasprun(text: str) -> bool:
    return "<modeling>" in text[:1000]


def read_born_vasprun(text: str, primitive: Atoms, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Born charges (N, 3, 3) and dielectric tensor (3, 3) of a vasprun.xml, whose cell is one of the crystal `primitive`, in its orientation.

    Raises:
        ValueError: it has none, or is of another crystal.
    """
    from ase import Atoms
    from phonopy.interface.vasp import VasprunxmlExpat

    found = VasprunxmlExpat(io.BytesIO(text.encode("latin-1", errors="replace")))
    try:
        found.parse()
    except (ExpatError, ValueError, IndexError) as error:
        raise ValueError(f"{name} cannot be read: {error}") from error
    symbols = found.symbols or []
    if found.born.shape != (len(symbols), 3, 3) or found.epsilon.shape != (3, 3) or not symbols:
        raise ValueError(f"{name} has no Born charges, or no dielectric tensor: it takes a run with LEPSILON or LCALCEPS")
    run = Atoms(symbols, cell=found.lattice[-1], scaled_positions=found.points[-1], pbc=True)
    return charges_of_primitive(found.born, run, primitive, name), found.epsilon
