"""From a task and a calculator to the record of its vibrations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.dynamics import velocity_acf
from flows.dynamics.harmonic import rounded, spectrum_fields
from flows.dynamics.md import StartDirectory, simulate
from flows.dynamics.settings import DynamicsTask
from flows.dynamics.trajectory import Trajectory
from flows.dynamics.vacf import Lines, autocorrelations, densities, multiples
from flows.dynamics.watch import temperature_K
from flows.dynamics.windows import WINDOWS, verlet_shift_cm1
from flows.keys import digest
from flows.records import Band, MDStart, TrainedModel, Vibrations
from flows.shelf import Shelf
from flows.training.verdict import of_parts
from flows.versions import versions as installed

if TYPE_CHECKING:
    from numpy.typing import NDArray

PACKAGES = ("ase", "numpy", "scipy", "h5py")
MODEL_PACKAGES = ("torch", "mace-torch", "matscipy")
EDGE = 0.99  # of the states


def vibrations_of(
    task: DynamicsTask,
    calculator: Any,
    place: Path | Shelf,
    models: Sequence[TrainedModel] = (),
    device: str = "cpu",
) -> Vibrations:
    """The MD that `task` asks for, with an ASE `calculator` that is the sum of `models`, and what it shows.

    Each start has a directory of its own in `place`; what lies there is taken up. One start after the other.

    Raises:
        CalculationFailed: `exploded`.
        MachineTrouble: `place` cannot be read or written.
    """
    atoms = task.big.atoms()
    atoms.calc = calculator
    about = versions(*(MODEL_PACKAGES if models else ()))
    belonging = _belonging(task, models, about)
    starts, curves = [], []
    ignored: list[str] = []
    for start in range(task.dynamics.starts):
        mine = StartDirectory(Shelf.of(place) / f"start-{start}", f"{belonging}-{start}")
        trajectory = simulate(atoms, task.dynamics, start, mine)
        ignored += trajectory.ignored
        starts.append(start_facts(trajectory, len(atoms)))
        curves.append(spectrum_of(task, trajectory))
    return Vibrations(
        **{name: getattr(task, name) for name in ("key", "system", "model", "seed", "size")},
        **_curves(task, curves),
        **_asked(task),
        starts=tuple(starts),
        ignored_checkpoints=tuple(ignored),
        **of_parts(models),
        versions=about,
        device=device,
        wall_time_s=sum(start.wall_time_s for start in starts),
    )


def versions(*more: str) -> dict[str, str]:
    """Of the packages that decide the numbers."""
    return installed((*PACKAGES, *more))


def start_facts(trajectory: Trajectory, atoms: int) -> MDStart:
    kinetic = trajectory.column("kinetic_eV")
    energy = (kinetic + trajectory.column("potential_eV")) * 1e3 / atoms
    x = np.linspace(-0.5, 0.5, len(energy))
    slope = float(x @ (energy - energy.mean()) / (x @ x)) if len(energy) > 1 else 0.0
    temperatures = np.array([temperature_K(k, atoms) for k in kinetic])
    assert trajectory.last is not None
    return MDStart(
        temperature_K=float(temperatures.mean()),
        temperature_std_K=float(temperatures.std()),
        drift_meV_atom=slope,
        fluctuation_meV_atom=float(np.std(energy - energy.mean() - slope * x)),
        resumed_from_steps=trajectory.last.resumed_from,
        wall_time_s=trajectory.last.spent_s,
    )


def spectrum_of(task: DynamicsTask, trajectory: Trajectory) -> dict[str, NDArray[np.float64]]:
    """Densities by element on the task's grid, of one start."""
    atoms, asked = task.big.atoms(), task.vibrations
    symbols, states = list(task.big.symbols), 3 * (task.normalized_atoms or len(atoms))
    grid = multiples(asked.pitch_cm1, asked.max_cm1)
    if asked.definition == "velocity-acf":
        return _as_py_vacf(task, trajectory, grid, states)
    lines = Lines.of(WINDOWS[asked.window], asked.resolution_cm1, task.dynamics.frame_fs, grid)
    found = autocorrelations(trajectory.velocities(), atoms.get_masses(), symbols, lines.last_lag)
    return densities(found, lines, states)


def _as_py_vacf(
    task: DynamicsTask, trajectory: Trajectory, grid: NDArray, states: float
) -> dict[str, NDArray[np.float64]]:
    velocities, frame_fs = trajectory.velocities(), task.dynamics.frame_fs
    width = velocity_acf.gaussian_frames(task.vibrations.resolution_cm1, frame_fs)
    window = velocity_acf.window_of(task.vibrations.window, task.dynamics.frames, width)
    found = velocity_acf.intensities(velocities, list(task.big.symbols), window)
    bins = velocity_acf.bins_cm1(task.dynamics.frames, frame_fs)
    area = np.trapezoid(np.sum(list(found.values()), axis=0), bins)
    return {e: np.interp(grid, bins, seen, right=0) * states / area for e, seen in found.items()}


def _curves(task: DynamicsTask, curves: Sequence[dict[str, NDArray]]) -> dict[str, Any]:
    """The mean over starts, its bands, and where it ends."""
    grid = multiples(task.vibrations.pitch_cm1, task.vibrations.max_cm1)
    mean = {e: np.mean([curve[e] for curve in curves], axis=0) for e in curves[0]}
    states = 3 * (task.normalized_atoms or len(task.big.symbols))
    edge = _edge(grid, np.sum(list(mean.values()), axis=0))
    each = {"total": [np.sum(list(curve.values()), axis=0) for curve in curves]}
    each |= {e: [curve[e] for curve in curves] for e in mean}
    return spectrum_fields(grid, mean, states) | {
        "bands": {name: _band(np.array(rows)) for name, rows in each.items()} if len(curves) > 1 else {},
        "edge_cm1": edge,
        "verlet_shift_cm1": verlet_shift_cm1(edge, task.dynamics.timestep_fs),
    }


def _band(rows: NDArray) -> Band:
    error = rows.std(axis=0, ddof=1) / np.sqrt(len(rows))
    return Band(low=rounded(rows.min(axis=0)), high=rounded(rows.max(axis=0)), standard_error=rounded(error))


def _edge(grid: NDArray, total: NDArray) -> float:
    below = np.cumsum(np.maximum(total, 0))
    return float(grid[np.searchsorted(below, EDGE * below[-1])])


def _asked(task: DynamicsTask) -> dict[str, Any]:
    asked, md = task.vibrations, task.dynamics
    resolution = Lines.of(
        WINDOWS[asked.window], asked.resolution_cm1, md.frame_fs, np.zeros(2)
    ).resolution_cm1
    if asked.definition == "velocity-acf":
        resolution = velocity_acf.resolution_cm1(asked.window, md.frames, md.frame_fs, asked.resolution_cm1)
    names = ("temperature_K", "steps", "equilibration_steps", "sample_every", "timestep_fs")
    return {name: getattr(md, name) for name in names} | {
        "atoms": len(task.big.symbols),
        "definition": asked.definition,
        "window": asked.window,
        "resolution_cm1": resolution,
        "settings": {"dynamics": md.identity(), "vibrations": asked.identity()},
    }


def _belonging(task: DynamicsTask, models: Sequence[TrainedModel], about: dict[str, str]) -> str:
    """A trajectory continues only the MD that wrote it, with the models and packages that wrote it."""
    return digest(
        "trajectory",
        1,
        key=task.key,
        dynamics=task.dynamics.identity(),
        big=task.big.model_dump(mode="json"),
        models=[model.blob.sha256 for model in models],
        dtype=task.dtype,
        versions=about,
    )
