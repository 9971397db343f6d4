"""Toy labels: a crystal of carbon atoms on springs, and levels that differ by known functions."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones

from flows.records import Label, Structure
from flows.training.settings import TrainingSettings, TrainingTask

TINY = TrainingSettings(
    hidden_irreps="4x0e + 4x1o",
    mlp_irreps="4x0e",
    r_max=3.2,
    max_ell=2,
    correlation=2,
    num_radial_basis=4,
    radial_mlp=(8,),
    max_epochs=4,
    batch_size=4,
)


def argon(rattle: int, repeat: int = 2) -> Atoms:
    """A small fcc crystal (lengths scaled so that two shells lie within 3.2 Å), displaced at random."""
    from ase.build import bulk

    atoms = bulk("Ar", "fcc", a=4.0, cubic=True).repeat((repeat, 1, 1))
    atoms.rattle(0.02 + 0.01 * (rattle % 12), seed=rattle)
    return atoms


def lennard_jones(scale: float = 1.0) -> LennardJones:
    return LennardJones(sigma=2.5, epsilon=0.1 * scale, rc=3.1, smooth=True)


def labels_of(level: str, scale: float, count: int, forces: bool = True) -> dict[str, Label]:
    """Labels `<level>:<i>` of `count` structures, by key."""
    made = {}
    for index in range(count):
        atoms = argon(index)
        atoms.calc = lennard_jones(scale)
        made[f"{level}:{index}"] = Label(
            key=f"{level}:{index}",
            structure_key=f"structure:{index}",
            structure=Structure.from_atoms(atoms),
            level=level,
            energy_eV=atoms.get_potential_energy(),
            forces_eV_A=atoms.get_forces().tolist() if forces else None,
            engine="ase",
        )
    return made


def task_of(model: str, levels: tuple[str, ...], counts: tuple[int, int, int] = (12, 4, 4), **settings):
    """A task on structures 0, 1, 2, ... in train, valid and test."""
    edges = np.cumsum((0, *counts))
    splits = [
        tuple(tuple(f"{level}:{i}" for level in levels) for i in range(start, end))
        for start, end in zip(edges, edges[1:], strict=False)
    ]
    return TrainingTask(
        key=f"toy-{model}",
        system="toy",
        model=model,
        seed=settings.pop("seed", 1),
        size="full",
        settings=TINY.model_copy(update=settings),
        train=splits[0],
        valid=splits[1],
        test=splits[2],
    )


@pytest.fixture(scope="session")
def dft() -> dict[str, Label]:
    return labels_of("dft", 1.0, 20)


@pytest.fixture(scope="session")
def hf() -> dict[str, Label]:
    return labels_of("hf", 1.3, 20, forces=False)
