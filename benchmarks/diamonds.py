"""Diamond for the benchmarks of models: rattled cells with energies of a bond potential, untrained networks of them.

A step takes as long whatever the weights and the labels are.
"""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.morse import MorsePotential

# the benchmark need not have been installed
sys.path.insert(0, str(Path(__file__).parents[1]))

from campaign.spec.mace import PRESETS
from flows.records import Structure
from flows.training.architecture import build, default_dtype, elements, graphs
from flows.training.datasets import Dataset, Frame
from flows.training.names import ModelName
from flows.training.settings import TrainingSettings

LATTICE_A, RATTLE_A = 3.561, 0.05
TRAINING_CELL = (2, 2, 1)


def load_mace(threads: int) -> None:
    """MACE, which greets on stdout, and torch with so many threads."""
    with redirect_stdout(sys.stderr):
        import mace.calculators  # noqa: F401
        import torch
    torch.set_num_threads(threads)


def settings(preset: str) -> TrainingSettings:
    """Of a model of diamond, as the example `diamond-paper` has it with this preset."""
    return TrainingSettings(**PRESETS[preset], r_max=3.0)


def diamond(repeat: tuple[int, int, int], seed: int = 1) -> Atoms:
    """Conventional cells, displaced at random."""
    atoms = bulk("C", "diamond", a=LATTICE_A, cubic=True).repeat(repeat)
    atoms.rattle(RATTLE_A, seed=seed)
    return atoms


def labelled(model: str, count: int) -> Dataset:
    """`count` cells of 32 atoms; those of a model of energies alone have no forces."""
    name = ModelName.parse(model)
    frames = tuple(_frame(seed, name) for seed in range(count))
    return Dataset(name, frames, frames[:1])


def network(data: Dataset, asked: TrainingSettings, seed: int) -> Any:
    """The model that a training on `data` begins with, in float64."""
    with default_dtype("float64"):
        known = graphs(data.train, elements(data.frames()), asked.r_max)
        return build(data, asked, known, seed)


def model_file(model: Any) -> bytes:
    """What MACE calls a `.model` file."""
    import torch

    buffer = io.BytesIO()
    torch.save(model, buffer)
    return buffer.getvalue()


def spread(values: np.ndarray) -> str:
    """The median and the quartiles."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return f"{middle:.3g} ({low:.3g}-{high:.3g})"


def _frame(seed: int, name: ModelName) -> Frame:
    atoms = diamond(TRAINING_CELL, seed)
    atoms.calc = MorsePotential(epsilon=3.0, r0=1.542, rho0=3.0, rcut1=2.0, rcut2=2.3)
    forces = atoms.get_forces() if name.needs_forces else None
    energy = atoms.get_potential_energy()
    return Frame(f"rattled {seed}", Structure.from_atoms(atoms), energy, forces, 0.0 if name.base else None)
