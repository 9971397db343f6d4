"""Crystals of linear springs as fast ASE calculators: exactly harmonic, and forces that depend on positions alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.neighborlist import neighbor_list

from flows.dynamics.settings import DynamicsSettings, DynamicsTask, VibrationSettings
from flows.dynamics.trajectory import Trajectory
from flows.records import Structure

CUBE = 2 * np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) // 2  # the conventional cell of an fcc lattice
LIH = bulk("LiH", "rocksalt", a=4.0)
BIG = bulk("LiH", "rocksalt", a=4.0, cubic=True)


def spring_matrix(atoms: Atoms, reach: float, along: float = 9.0, across: float = 1.3) -> np.ndarray:
    """(3N, 3N) force constants in eV/Å², of springs along and across the bonds within `reach`."""
    i, j, vectors = neighbor_list("ijD", atoms, reach)
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    outer = units[:, :, None] * units[:, None, :]
    springs = along * outer + across * (np.eye(3) - outer)
    matrix = np.zeros((len(atoms), len(atoms), 3, 3))
    np.add.at(matrix, (i, i), springs)
    np.subtract.at(matrix, (i, j), springs)
    return matrix.transpose(0, 2, 1, 3).reshape(3 * len(atoms), -1)


class Harmonic(Calculator):
    """u·K·u / 2, with `cubic` Σ u³ that lets it explode."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, ideal: Atoms, matrix: np.ndarray, cubic: float = 0.0) -> None:
        super().__init__()
        self.sites, self.matrix, self.cubic = ideal.get_positions(), matrix, cubic

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        u = (atoms.get_positions() - self.sites).ravel()
        pulled = self.matrix @ u
        energy = float(u @ pulled / 2 - self.cubic * (u**3).sum())
        forces = (-pulled + 3 * self.cubic * u**2).reshape(-1, 3)
        self.results = {"energy": energy, "free_energy": energy, "forces": forces}


def lih(cubic: float = 0.0) -> Atoms:
    """The conventional cell of LiH (8 atoms), tied by springs."""
    atoms = BIG.copy()
    atoms.calc = Harmonic(atoms, spring_matrix(atoms, 2.1), cubic)
    return atoms


def dynamics(**changes) -> DynamicsSettings:
    asked = {"equilibration_steps": 60, "steps": 200, "starts": 1, "positions_every": 10}
    return DynamicsSettings(**(asked | changes))


def task(**changes) -> DynamicsTask:
    asked = {"key": "md", "system": "lih", "model": "delta_hf", "seed": 861, "size": "full"}
    asked |= {"big": Structure.from_atoms(BIG), "dynamics": dynamics()}
    asked |= {"vibrations": VibrationSettings(resolution_cm1=1200.0, pitch_cm1=20.0)}
    return DynamicsTask(**(asked | changes))


def frames_of(directory: Path) -> dict[str, bytes]:
    """The bytes of every array of every chunk, by phase, last step and name."""
    import h5py

    found = {}
    for path in sorted(directory.glob("chunk-*.h5")):
        with h5py.File(path) as file:
            for name in ("velocities", "potential_eV", "kinetic_eV", "state/positions", "state/momenta"):
                if name in file:
                    found[f"{path.stem.rpartition('-')[0]}:{name}"] = file[name][:].tobytes()
    return found


def frames_in(trajectory: Trajectory) -> dict[str, bytes]:
    """The bytes of every array of production and of the state at its end, however it is cut into chunks."""
    assert trajectory.last is not None
    found = {name: trajectory.column(name) for name in ("potential_eV", "kinetic_eV", "positions")}
    found |= {"velocities": trajectory.velocities()[:, :], "momenta": trajectory.last.state.momenta}
    return {name: array.tobytes() for name, array in found.items()}
