"""What every MD with a thermostat shares: how it begins, its integrator, and its random numbers as text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import units

if TYPE_CHECKING:
    from ase import Atoms
    from ase.md.langevin import Langevin


def begin(atoms: Atoms, temperature_K: float, random: np.random.RandomState) -> None:
    """Velocities at twice the temperature, without drift: the potential energy of a crystal at rest takes half."""
    spread = np.sqrt(atoms.get_masses() * units.kB * 2 * temperature_K)
    atoms.set_momenta(random.standard_normal((len(atoms), 3)) * spread[:, None])
    stop_drifting(atoms)


def stop_drifting(atoms: Atoms) -> None:
    """Bring the centre of mass to rest."""
    masses, momenta = atoms.get_masses(), atoms.get_momenta()
    atoms.set_momenta(momenta - masses[:, None] * momenta.sum(axis=0) / masses.sum())


def thermostat(
    atoms: Atoms,
    temperature_K: float,
    timestep_fs: float,
    friction_per_fs: float,
    random: np.random.RandomState,
) -> Langevin:
    """Langevin dynamics of `atoms`, whose centre of mass is fixed from here on."""
    from ase.constraints import FixCom
    from ase.md.langevin import Langevin

    atoms.set_constraint(FixCom())
    return Langevin(
        atoms,
        timestep_fs * units.fs,
        temperature_K=temperature_K,
        friction=friction_per_fs / units.fs,
        fixcm=False,  # ASE's own does not sample the ensemble
        rng=random,
    )


def random_text(random: np.random.RandomState) -> str:
    """Where a Mersenne Twister is, as JSON."""
    name, numbers, *rest = random.get_state(legacy=True)
    return json.dumps([name, np.asarray(numbers).tolist(), *rest])


def random_state(text: str) -> tuple[Any, ...]:
    """The argument of `RandomState.set_state` that `random_text` wrote."""
    name, numbers, *rest = json.loads(text)
    return name, np.array(numbers, dtype=np.uint32), *rest
