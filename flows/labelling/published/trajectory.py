"""Frames of ASE trajectories (.traj), one after another: a damaged one costs itself alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from flows.labelling.header import FrameError
from flows.labelling.published.step import Step

if TYPE_CHECKING:
    from ase import Atoms

_KEPT_BY_ASE = ("energy", "free_energy")


def is_trajectory(content: bytes) -> bool:
    return content.startswith(b"- of UlmASE-Trajectory")


def steps(content: bytes) -> Iterator[Step | FrameError]:
    """Every frame of unpacked content, or why it is none."""
    from ase.io.trajectory import TrajectoryReader

    try:
        frames = TrajectoryReader(io.BytesIO(content))
        count = len(frames)
    except Exception as error:  # ASE has no error of its own for what is damaged
        yield FrameError(f"unreadable as a trajectory: {type(error).__name__}: {error}")
        return
    for number in range(count):
        try:
            yield step_of(frames[number])
        except Exception as error:
            yield FrameError(f"unreadable: {type(error).__name__}: {error}")


def step_of(atoms: Atoms) -> Step:
    """What ASE keeps with atoms: results, and what the user wrote into `info` and `arrays`."""
    results = atoms.calc.results if atoms.calc is not None else {}
    energies = {name: float(results[name]) for name in _KEPT_BY_ASE if results.get(name) is not None}
    energies |= {
        name: float(one) for name, one in atoms.info.items() if isinstance(one, (int, float, np.number)) and name not in energies
    }
    forces = {"forces": np.asarray(results["forces"])} if results.get("forces") is not None else {}
    forces |= {
        name: one for name, one in atoms.arrays.items() if name.lower().endswith(("force", "forces")) and one.shape[1:] == (3,)
    }
    return Step(
        symbols=tuple(atoms.get_chemical_symbols()),
        cell=atoms.cell.array,
        positions=atoms.positions,
        energies=energies,
        forces=forces,
        ruled=False,
        pbc=tuple(bool(one) for one in atoms.pbc),
    )
