"""A crystal whose atoms are tied to each other's centre: harmonic, moved freely as a whole, its averages known."""

from __future__ import annotations

from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes

from flows.labelling.sampling.calculator import Driver
from flows.labelling.sampling.settings import SweepSettings, SweepTask
from flows.records import Structure

CRYSTAL = bulk("C", "diamond", a=3.56, cubic=True) * (2, 1, 1)
STRUCTURE = Structure.from_atoms(CRYSTAL)


class Tied(Calculator):
    """k/2 Σ |u - ū|²: of N atoms 3 (N - 1) oscillators; with k < 0 it flies apart. `asked` are its positions."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, stiffness: float = 9.0, crystal: Atoms = CRYSTAL) -> None:
        super().__init__()
        self.sites = crystal.get_positions()
        self.stiffness, self.asked, self.properties = stiffness, [], set()
        self.stop_at, self.error = 0, RuntimeError("killed")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.properties |= set(properties)
        if len(self.asked) + 1 == self.stop_at:
            self.stop_at = 0
            raise self.error
        self.asked.append(atoms.get_positions())
        u = atoms.get_positions() - self.sites
        u -= u.mean(axis=0)
        self.results = {"energy": float(self.stiffness * (u**2).sum() / 2), "forces": -self.stiffness * u}


def settings(**changes) -> SweepSettings:
    asked = {"temperatures_K": (100.0, 200.0), "steps": 20, "every": 3, "discard": 5, "friction_per_fs": 0.05}
    return SweepSettings(**(asked | changes))


def task(**changes) -> SweepTask:
    return SweepTask(key="sweep", system="diamond", structure=STRUCTURE, settings=settings(**changes))


def driver(calculator: Calculator | None = None, **changes) -> Driver:
    return Driver(calculator or Tied(), **({"potential": "springs"} | changes))
