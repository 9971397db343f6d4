"""MD by a program itself, where an engine has that: a stretch of steps at one temperature in, its frames out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Stretch:
    """`steps` of Langevin MD with the forces of `level`; `seed` is of its random numbers."""

    level: str
    temperature_K: float
    steps: int
    timestep_fs: float
    friction_per_fs: float
    seed: int


@dataclass(frozen=True)
class Moved:
    """Of each step: positions and forces (steps, N, 3) in Å and eV/Å, unwrapped, energies (steps,) in eV, electronic cycles.

    `end_positions` (Å) and `end_velocities` (Å/fs) are what the next stretch begins with.
    """

    positions: NDArray
    forces_eV_A: NDArray
    potential_eV: NDArray
    kinetic_eV: NDArray
    cycles: NDArray
    end_positions: NDArray
    end_velocities: NDArray
    versions: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
