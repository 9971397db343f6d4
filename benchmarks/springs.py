"""A small real campaign: copper by EMT as `dft`, EMT plus a Morse bond as `hf`; trainings of a second or two.

Its labels are published files, or are computed by latticefarm itself with these calculators as engines.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import yaml
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

LATTICE_A = 3.6
STRUCTURES = 24


def write_campaign(directory: Path, seeds: int = 2, epochs: int = 4, sizes: tuple[str, ...] = ("full", "half")) -> Path:
    """Write labels and YAML into `directory`; return the YAML."""
    directory.mkdir(parents=True, exist_ok=True)
    frames = displaced()
    write(directory / "dft.xyz", [labelled(atoms, [EMT()], forces=True) for atoms in frames])
    write(directory / "hf.xyz", [labelled(atoms, [EMT(), morse()], forces=False) for atoms in frames])
    path = directory / "toy.yaml"
    path.write_text(yaml.safe_dump(specification(seeds, epochs, sizes), sort_keys=False))
    return path


def write_labelling_campaign(directory: Path, structures: int = 60, seconds: float = 1.0, md_steps: int = 0, seeds: int = 1) -> Path:
    """The same campaign, but for labels: rattled structures, each level's label computed in `seconds`.

    This folder must be on the PYTHONPATH of the workers: the calculators are in this module.
    """
    directory.mkdir(parents=True, exist_ok=True)
    asked = specification(seeds, epochs=4, sizes=("full",)) | {"campaign": "toy-labels"}
    engines = {
        name: {
            "kind": "ase",
            "calculator": f"springs:{calculator}",
            "arguments": {"seconds": seconds},
            "stands_for": {level: forces},
        }
        for name, calculator, level, forces in (("emt", "SlowEMT", "dft", True), ("emt-morse", "SlowSum", "hf", False))
    }
    copper = asked["systems"]["copper"]
    copper["levels"] = {"dft": {"engine": "emt", "forces": True}, "hf": {"engine": "emt-morse"}}
    copper["sampling"] = {"rattles": {"count": structures, "displacements_A": [0.03, 0.06, 0.1]}}
    asked |= {"engines": engines, "labelling": {"job_minutes": 0.2, "pilots": 2}}
    if md_steps:
        asked["dynamics"] = {
            "models": ["dft_ef"], "steps": md_steps, "equilibration_steps": md_steps // 4, "starts": 1,
            "vibrations": {"resolution_cm1": 60, "max_cm1": 400},
        }
    path = directory / "toy-labels.yaml"
    path.write_text(yaml.safe_dump(asked, sort_keys=False))
    return path


def morse() -> MorsePotential:
    return MorsePotential(epsilon=0.05, r0=2.55, rho0=4.0, rcut1=3.4, rcut2=4.5)


class SlowSum(Calculator):
    """EMT plus a Morse bond, in no less than `seconds`."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012  as ASE declares it

    def __init__(self, seconds: float = 0.0, **options) -> None:
        super().__init__(**options)
        self.seconds = seconds

    def parts(self) -> list[Calculator]:
        return [EMT(), morse()]

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        time.sleep(self.seconds)
        whole = labelled(atoms, self.parts(), forces=True)
        self.results = {"energy": whole.get_potential_energy(), "forces": whole.get_forces()}


class SlowEMT(SlowSum):
    """EMT, in no less than `seconds`."""

    def parts(self) -> list[Calculator]:
        return [EMT()]


def displaced() -> list:
    """The conventional cell of copper, rattled more and more."""
    random = np.random.default_rng(5)
    frames = []
    for number in range(STRUCTURES):
        atoms = bulk("Cu", cubic=True, a=LATTICE_A)
        atoms.positions += random.normal(scale=0.02 + 0.08 * number / STRUCTURES, size=atoms.positions.shape)
        frames.append(atoms)
    return frames


def labelled(atoms, calculators: list[Calculator], forces: bool):
    """A copy of `atoms` that carries the sum of the calculators' energies, and forces where they belong."""
    copy, energy, force = atoms.copy(), 0.0, np.zeros((len(atoms), 3))
    for calculator in calculators:
        one = atoms.copy()
        one.calc = calculator
        energy += one.get_potential_energy()
        force += one.get_forces()
    copy.calc = SinglePointCalculator(copy, energy=energy, **({"forces": force} if forces else {}))
    return copy


def specification(seeds: int, epochs: int, sizes: tuple[str, ...]) -> dict:
    """The campaign, as its YAML says it."""
    return {
        "campaign": "toy",
        "systems": {
            "copper": {
                "structure": {"prototype": "fcc", "symbols": ["Cu"], "a": LATTICE_A},
                "cells": {"training": [1, 1, 1], "phonons": [2, 2, 2], "big": [2, 2, 2]},
                "levels": {"dft": {"data": "dft.xyz", "forces": True}, "hf": {"data": "hf.xyz"}},
            }
        },
        "models": ["dft_ef", "hf-dft"],
        "training": {"seeds": list(range(1, seeds + 1)), "sizes": list(sizes)},
        "mace": {
            "hidden_irreps": "4x0e + 4x1o",
            "mlp_irreps": "4x0e",
            "r_max": 3.4,
            "max_ell": 1,
            "correlation": 2,
            "radial_mlp": [8],
            "max_epochs": epochs,
            "difference": {"max_epochs": epochs, "gamma": 0.97},
        },
        "phonons": {"mesh": [6, 6, 6]},
    }
