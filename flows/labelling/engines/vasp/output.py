"""What VASP leaves of one structure in its vasprun.xml."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flows.labelling.header import FrameError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

VASPRUN = "vasprun.xml"
SAME_A = 1e-4
_VERSION = re.compile(rb'<i name="version" type="string">\s*(\S+)\s*</i>')
_CYCLE = re.compile(rb"<scstep>")


@dataclass(frozen=True)
class Found:
    """eV (the free energy), eV/Å in the order of POSCAR, and how many electronic cycles it took."""

    energy_eV: float
    forces_eV_A: NDArray[np.float64]
    entropy_eV: float  # what extrapolation to no smearing adds
    cycles: int
    version: str


class UnconvergedError(ValueError):
    """Its electrons did not converge."""


def read_response(directory: Path, atoms: Atoms) -> tuple[NDArray, NDArray]:
    """Born charges (N, 3, 3) in e of `atoms`, in their own order, and the dielectric tensor (3, 3), of a run with LEPSILON.

    Raises: ValueError: they are not there, or of another crystal.
    """
    from flows.phonons.nac_vasp import read_born_vasprun

    return read_born_vasprun((directory / VASPRUN).read_text(encoding="latin-1"), atoms, VASPRUN)


def read(directory: Path, atoms: Atoms) -> Found:
    """The one step of a static calculation of `atoms`, which are in the order of POSCAR.

    Raises: ValueError: it is not there, or not what such a calculation leaves; UnconvergedError.
    """
    from flows.labelling.published import vasprun  # which imports ASE

    try:
        content = (directory / VASPRUN).read_bytes()
    except FileNotFoundError:
        raise ValueError(f"it left no {VASPRUN}") from None
    steps = list(vasprun.steps(content)) if vasprun.is_vasprun(content) else []
    for step in steps:
        if isinstance(step, FrameError):
            raise (UnconvergedError if isinstance(step, vasprun.NotConverged) else ValueError)(f"{VASPRUN}: {step}")
    if len(steps) != 1:
        raise ValueError(f"{VASPRUN} has {len(steps)} ionic steps, and one is expected")
    (step,) = steps
    assert not isinstance(step, FrameError)
    forces = step.forces.get("forces")
    if forces is None or np.shape(forces) != (len(atoms), 3):
        raise ValueError(f"{VASPRUN} has no forces of {len(atoms)} atoms")
    if step.symbols != tuple(atoms.symbols) or not _same(atoms, step.cell, step.positions):
        raise ValueError(f"{VASPRUN} is of another structure than POSCAR")
    energy = step.energies["free_energy"]
    if not (math.isfinite(energy) and np.isfinite(forces).all()):
        raise ValueError(f"{VASPRUN} has numbers that are not finite")
    return Found(
        energy_eV=energy,
        forces_eV_A=np.asarray(forces, dtype=float),
        entropy_eV=step.energies["e_0_energy"] - step.energies["e_fr_energy"],
        cycles=len(_CYCLE.findall(content)),
        version=version_of(content),
    )


def version_of(content: bytes) -> str:
    """Of VASP, as vasprun.xml says it."""
    found = _VERSION.search(content)
    return found[1].decode() if found else "unknown"


def _same(atoms: Atoms, cell: NDArray[np.float64], positions: NDArray[np.float64]) -> bool:
    moves = np.linalg.solve(atoms.cell.array.T, (positions - atoms.positions).T).T
    moves -= moves.round()
    return bool(np.abs(cell - atoms.cell.array).max() < SAME_A and np.abs(moves @ atoms.cell.array).max() < SAME_A)
