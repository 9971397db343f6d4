"""MD by VASP itself: Langevin at one temperature and a fixed cell, from positions and velocities to the next of them.

Raising TEBEG from stretch to stretch is the sweep: that TEEND ramps a Langevin thermostat is not documented.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.labelling.engines.moving import Moved, Stretch
from flows.labelling.engines.vasp import inputs, output
from flows.labelling.engines.vasp.inputs import Step
from flows.labelling.engines.vasp.method import VaspMethod
from flows.labelling.engines.vasp.output import VASPRUN, UnconvergedError
from flows.labelling.header import FrameError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

CONTCAR = "CONTCAR"
_SEEDS = 900_000_000  # of VASP's RANDOM_SEED


def incar_of(method: VaspMethod, step: Step, asked: Stretch, elements: int, goes_on: bool) -> dict[str, Any]:
    """Every tag of a stretch."""
    return {
        **inputs.incar_of(method, step, goes_on),
        "IBRION": 0,
        "MDALGO": 3,
        "ISIF": 2,
        "NSW": asked.steps,
        "POTIM": asked.timestep_fs,
        "TEBEG": asked.temperature_K,
        "TEEND": asked.temperature_K,
        "LANGEVIN_GAMMA": [1000 * asked.friction_per_fs] * elements,  # 1/ps
        "RANDOM_SEED": [asked.seed % _SEEDS, 0, 0],
        "NBLOCK": 1,
        "KBLOCK": asked.steps,
        "NELMIN": 4,
        "MAXMIX": 40,
    }


def files_of(method: VaspMethod, step: Step, atoms: Atoms, asked: Stretch, goes_on: bool) -> dict[str, str]:
    """INCAR, KPOINTS, and POSCAR with velocities."""
    from ase.units import fs
    from atomate2.vasp.sets.core import MDSetGenerator

    elements = len(dict.fromkeys(atoms.symbols))
    tags = {"SMASS": None, **incar_of(method, step, asked, elements, goes_on)}
    return inputs.texts_of(partial(MDSetGenerator, time_step=asked.timestep_fs), method, tags, atoms, atoms.get_velocities() * fs)


def read(directory: Path, atoms: Atoms, steps: int) -> Moved:
    """What a stretch left, atoms in the order of `atoms`, which it began with.

    Raises: ValueError: it is not there, or not what so many steps leave; UnconvergedError: electrons of a step did not converge.
    """
    from flows.labelling.published import vasprun  # which imports ASE

    try:
        content = (directory / VASPRUN).read_bytes()
    except FileNotFoundError:
        raise ValueError(f"it left no {VASPRUN}") from None
    found = list(vasprun.steps(content)) if vasprun.is_vasprun(content) else []
    for number, one in enumerate(found, 1):
        if isinstance(one, FrameError):
            raise (UnconvergedError if isinstance(one, vasprun.NotConverged) else ValueError)(f"{VASPRUN}, step {number}: {one}")
    good = [one for one in found if not isinstance(one, FrameError)]
    if len(good) != steps:
        raise ValueError(f"{VASPRUN} has {len(good)} of {steps} steps")
    kinetic, cycles = _told(content)
    order = inputs.order_of(atoms)
    if any(one.symbols != tuple(atoms[order].symbols) or one.forces.get("forces", np.empty(0)).shape != (len(atoms), 3) for one in good):
        raise ValueError(f"{VASPRUN} is of other atoms, or has no forces of them")
    ends, velocities = _state(directory / CONTCAR, len(atoms))
    positions = _unwrapped([*(one.positions for one in good), ends], atoms.positions[order], atoms.cell.array)
    if np.abs(positions[0] - atoms.positions[order]).max() > output.SAME_A:
        raise ValueError(f"{VASPRUN} begins with another structure than POSCAR")
    back = np.argsort(order)
    moved = Moved(
        positions=positions[:-1, back],
        forces_eV_A=np.array([one.forces["forces"] for one in good])[:, back],
        potential_eV=np.array([one.energies["free_energy"] for one in good]),
        kinetic_eV=kinetic,
        cycles=cycles,
        end_positions=positions[-1, back],
        end_velocities=velocities[back],
        versions={"vasp": output.version_of(content)},
    )
    if not all(np.isfinite(one).all() for one in (moved.positions, moved.forces_eV_A, moved.potential_eV, kinetic, velocities)):
        raise ValueError(f"{VASPRUN} or {CONTCAR} has numbers that are not finite")
    return moved


def _told(content: bytes) -> tuple[NDArray[np.float64], NDArray[np.int_]]:
    """The kinetic energy of each step (eV), and its electronic cycles."""
    calculations = ElementTree.fromstring(content).findall("calculation")
    try:
        kinetic = [float(one.findtext("energy/i[@name='kinetic']") or "") for one in calculations]
    except ValueError:
        raise ValueError(f"{VASPRUN} has a step without its kinetic energy") from None
    return np.array(kinetic), np.array([len(one.findall("scstep")) for one in calculations])


def _state(path: Path, atoms: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions (Å) and velocities (Å/fs) to go on from, in the order of POSCAR."""
    from pymatgen.io.vasp.inputs import Poscar

    try:
        found = Poscar.from_file(path, check_for_potcar=False)
    except (OSError, ValueError, IndexError) as error:
        raise ValueError(f"its {CONTCAR} cannot be read: {error}") from error
    velocities = found.velocities
    if velocities is None or np.shape(velocities) != (atoms, 3):
        raise ValueError(f"its {CONTCAR} has no velocities of {atoms} atoms")
    return np.array(found.structure.cart_coords), np.array(velocities, dtype=float)


def _unwrapped(frames: list[NDArray[np.float64]], start: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each frame without the jumps of whole lattice vectors from that before."""
    found = []
    for frame in frames:
        moves = np.linalg.solve(cell.T, (frame - start).T).T
        start = start + (moves - moves.round()) @ cell
        found.append(start)
    return np.array(found)
