"""A small campaign on toy labels: the same numbers on every machine, written by ASE."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

YAML = """\
campaign: toy
systems:
  carbon:
    structure: {prototype: diamond, symbols: [C], a: 3.56}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2]}
    levels:
      dft: {data: dft.xyz, forces: true, functional: PBE}
      hf: {data: hf.xyz}
models: [dft_ef, hf-dft]
training:
  seeds: [1, 2]
  sizes: {full: full, few: 8}
mace: {preset: small, hidden_irreps: 2x0e + 2x1o, max_epochs: 2, difference: {max_epochs: 2, gamma: 0.97}}
phonons: {mesh: [2, 2, 2], points_per_segment: 5}
"""
FRAMES = 12
SPRING_EV_A2 = 20.0


class Springs(Calculator):
    """Every atom on a spring at its site."""

    implemented_properties = ("energy", "forces")

    def __init__(self, sites: np.ndarray) -> None:
        super().__init__()
        self.sites = sites

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        moved = self.atoms.positions - self.sites
        # rounded: the order in which a processor adds up must not reach a key
        self.results["energy"] = round(0.5 * SPRING_EV_A2 * float((moved**2).sum()) - 72.0, 6)
        self.results["forces"] = -SPRING_EV_A2 * moved


def frames(count: int = FRAMES) -> list[Atoms]:
    """Displaced diamond with energies and forces."""
    numbers = _numbers()
    found = []
    for _ in range(count):
        atoms = bulk("C", "diamond", a=3.56, cubic=True)
        atoms.calc = Springs(atoms.get_positions())
        atoms.positions += [[round(0.1 * next(numbers), 6) for _ in range(3)] for _ in atoms]
        found.append(labelled(atoms, energy=atoms.get_potential_energy(), forces=atoms.get_forces()))
    return found


def raised(images: list[Atoms]) -> list[Atoms]:
    """The same structures at a higher level: an energy that is no straight line of the lower, no forces."""
    energies = [round(1.1 * one.get_potential_energy() + 0.01 * (number % 3), 6) for number, one in enumerate(images)]
    return [labelled(one, energy=energy) for one, energy in zip(images, energies, strict=True)]


def labelled(atoms: Atoms, **results: object) -> Atoms:
    copy = atoms.copy()
    copy.calc = SinglePointCalculator(copy, **results)
    return copy


def write_campaign(folder: Path, text: str = YAML) -> Path:
    """Labels of both levels and the YAML in `folder`; returns the YAML's path."""
    base = frames()
    write(folder / "dft.xyz", base, format="extxyz")
    write(folder / "hf.xyz", raised(base), format="extxyz")
    path = folder / "toy.yaml"
    path.write_text(text)
    return path


def _numbers() -> Iterator[float]:
    """Between -0.5 and 0.5, from integers."""
    state = 20261122
    while True:
        state = (1103515245 * state + 12345) % 2**31
        yield state / 2**31 - 0.5
