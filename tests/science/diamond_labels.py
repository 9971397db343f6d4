"""The labels in `diamond/`, as the product reads them, and the mode at Γ of each level, found without it.

Eight atoms, gth-szv, Γ alone, by `make_labels.py`: what they say of diamond is 40 % too high, and all that is trained
on them should say the same.
"""

from __future__ import annotations

import hashlib
import math
from functools import cache
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.io import read
from scipy import constants

from flows.labelling.label_set import read_label_set
from flows.labelling.settings import Expectations, MatchingSettings, PublishedFile
from flows.records import Label, LabelSet
from flows.training.settings import TrainingSettings, TrainingTask

FOLDER = Path(__file__).parent / "diamond"
FILES = {"dft": "dft.xyz", "hf": "hf.xyz", "mp2": "mp2.xyz", "ccsd(t)": "ccsdt.xyz"}
LATTICE_A = 3.561
CUBIC = [[-1, 1, 1], [1, -1, 1], [1, 1, -1]]
MASS_U = 12.011
STEP_A = 0.04

PRIMITIVE = bulk("C", "diamond", a=LATTICE_A)
CONVENTIONAL = bulk("C", "diamond", a=LATTICE_A, cubic=True)


@cache
def published() -> tuple[LabelSet, dict[str, Label]]:
    files = []
    for level, name in FILES.items():
        content = (FOLDER / name).read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        files.append((PublishedFile(name=name, sha256=sha256, level=level, forces=level == "dft"), content))
    return read_label_set("diamond", files, Expectations(composition={"C": 8}), MatchingSettings())


def task_of(model: str, *levels: str, seed: int = 1, validating: int = 4, **settings: object) -> TrainingTask:
    """A training of `model` on all structures, of which the first few validate."""
    found = published()[0].labels
    rows = tuple(tuple(found[level][key] for level in levels) for key in found["dft"])
    return TrainingTask(
        key=f"science-{model}-{seed}",
        system="diamond",
        model=model,
        seed=seed,
        size="full",
        settings=TrainingSettings(**settings),
        train=rows[validating:],
        valid=rows[:validating],
    )


@cache
def frozen(along: str) -> dict[float, Atoms]:
    """The crystal with its second sublattice moved by so much (Å) along a direction, and the one at rest."""
    frames: list[Atoms] = read(FOLDER / "frozen.xyz", index=":")
    return {one.info["step"]: one for one in frames if str(one.info["along"]) == along or one.info["step"] == 0}


def energy_eV(atoms: Atoms, level: str) -> float:
    return float(atoms.info[f"energy_{FILES[level].removesuffix('.xyz')}"])


@cache
def stiffness_eV_A2(level: str) -> float:
    """Of the mode at Γ, per primitive cell: the second difference of five energies along [111], right to the fourth order."""
    e = {round(step / STEP_A): energy_eV(atoms, level) for step, atoms in frozen("111").items()}
    return (-e[-2] + 16 * e[-1] - 30 * e[0] + 16 * e[1] - e[2]) / (12 * STEP_A**2) / 4


def gamma_cm1(stiffness: float) -> float:
    """The frequency of two carbon atoms that this stiffness (eV/Å²) pulls together; of a negative one minus it."""
    root = math.sqrt(abs(stiffness) * constants.eV / constants.angstrom**2 / (MASS_U / 2 * constants.atomic_mass))
    return math.copysign(root / (2 * math.pi * constants.c * 100), stiffness)


def displacements_A(label: Label) -> np.ndarray:
    """(8, 3) from the sites of `CONVENTIONAL`, to the nearest image."""
    moved = np.array(label.structure.positions) - CONVENTIONAL.positions
    return moved - LATTICE_A * np.rint(moved / LATTICE_A)
