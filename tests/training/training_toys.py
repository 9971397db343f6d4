"""Toy labels: a small crystal of Lennard-Jones atoms, and levels that differ by known functions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.calculators.lj import LennardJones
from ase.calculators.morse import MorsePotential

from flows.records import Label, Structure
from flows.training.settings import TrainingSettings, TrainingTask

TINY = TrainingSettings(
    hidden_irreps="4x0e + 4x1o",
    mlp_irreps="4x0e",
    r_max=3.2,
    max_ell=1,
    correlation=2,
    num_radial_basis=4,
    radial_mlp=(8,),
    max_epochs=4,
    batch_size=4,
)
STRUCTURES = 20


def crystal(seed: int) -> Atoms:
    """Four argon atoms, lengths scaled so that the first shell lies within 3.2 Å, displaced at random."""
    atoms = bulk("Ar", "fcc", a=4.0, cubic=True)
    atoms.rattle(0.04 + 0.04 * np.random.default_rng(seed).random(), seed=seed)
    return atoms


def base_calculator() -> Calculator:
    return LennardJones(sigma=2.5, epsilon=0.1, rc=3.1, smooth=True)


def correction() -> Calculator:
    """A difference that is no function of the base energy: springs of another length."""
    return MorsePotential(epsilon=0.2, r0=3.0, rho0=4.0, rcut1=3.0, rcut2=3.15)


def labels_of(
    level: str, *calculators: Calculator, forces: bool = False, count: int = STRUCTURES
) -> dict[str, Label]:
    """Labels `<level>:<i>` of the sum of `calculators`, by key."""
    made = {}
    for index in range(count):
        atoms = crystal(index)
        energies = [calculator.get_potential_energy(atoms) for calculator in calculators]
        force = sum(calculator.get_forces(atoms) for calculator in calculators)
        made[f"{level}:{index}"] = Label(
            key=f"{level}:{index}",
            structure_key=f"structure:{index}",
            structure=Structure.from_atoms(atoms),
            level=level,
            energy_eV=sum(energies),
            forces_eV_A=np.asarray(force).tolist() if forces else None,
            engine="ase",
        )
    return made


def task_of(
    model: str, *levels: str, counts: tuple[int, ...] = (12, 4, 4), seed: int = 1, **settings
) -> TrainingTask:
    """A task on structures 0, 1, 2, ... in train, valid and test."""
    edges = np.cumsum((0, *counts))
    splits = [
        tuple(tuple(f"{level}:{i}" for level in levels) for i in range(start, end))
        for start, end in pairwise(edges)
    ]
    return TrainingTask(
        key=f"toy-{model}-{seed}",
        system="toy",
        model=model,
        seed=seed,
        size="full",
        settings=TINY.model_copy(update=settings),
        train=splits[0],
        valid=splits[1],
        test=splits[2],
    )
