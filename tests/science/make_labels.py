"""Makes the labels in this folder: diamond, eight atoms, PySCF in a minimal basis at Γ. 12 minutes on a core.

    python tests/science/make_labels.py tests/science/diamond

One file a level, as published sets have them, and as unclean: only DFT has forces; the other files hold the frames in
another order, their atoms in other cells. `frozen.xyz` is a second way to the mode at Γ: one sublattice moved against
the other, with the energies of all levels and the DFT forces; no model is trained on it. `provenance.json` says what
made them. Rattled atoms, a minimal basis and one k-point: for tests, not for physics.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.io import write

from flows.labelling.engines.protocol import Computed
from flows.labelling.engines.pyscf.settings import PySCFSettings

LATTICE_A = 3.561
SETTINGS = PySCFSettings(basis="gth-szv", functional="pbe", density_fitting="fft")
LEVELS = {"dft": True, "hf": False, "mp2": False, "ccsd(t)": False}
RATTLES = {0.02: 16, 0.04: 16}  # standard deviation of a component (Å): structures
STEPS_A = {(1, 1, 1): (-0.08, -0.04, 0.0, 0.04, 0.08), (1, 0, 0): (0.04, 0.08)}
PACKAGES = ("pyscf", "ase", "numpy")


def crystal() -> Atoms:
    return bulk("C", "diamond", a=LATTICE_A, cubic=True)


def rattled() -> list[Atoms]:
    made, random = [], np.random.default_rng(1332)
    for width, count in RATTLES.items():
        for _ in range(count):
            atoms = crystal()
            atoms.positions += random.normal(scale=width, size=(len(atoms), 3))
            made.append(atoms)
    return made


def frozen() -> list[Atoms]:
    """The second sublattice moved by `step` (Å) along `along`."""
    made = []
    for along, steps in STEPS_A.items():
        for step in steps:
            atoms = crystal()
            atoms.positions[1::2] += step * np.array(along) / np.linalg.norm(along)
            atoms.info |= {"along": "".join(map(str, along)), "step": step}
            made.append(atoms)
    return made


def labelled(atoms: Atoms) -> dict[str, Computed]:
    found = dict(SETTINGS.compute(atoms, LEVELS))
    for level, one in found.items():
        if not isinstance(one, Computed):
            raise SystemExit(f"no {level}: {one.message}")
    return found


def write_levels(folder: Path, structures: list[Atoms], labels: list[dict[str, Computed]]) -> None:
    for number, level in enumerate(LEVELS):
        frames, random = [], np.random.default_rng(number)
        order = range(len(structures)) if level == "dft" else random.permutation(len(structures))
        for i in order:
            atoms, one = structures[i].copy(), labels[i][level]
            if level != "dft":
                atoms.positions += random.integers(-1, 2, (len(atoms), 3)) * LATTICE_A
            frames.append(with_energy(atoms, one, "energy"))
        write(folder / f"{level.replace('(t)', 't')}.xyz", frames, format="extxyz", write_results=False)


def write_frozen(folder: Path, structures: list[Atoms], labels: list[dict[str, Computed]]) -> None:
    for atoms, found in zip(structures, labels, strict=True):
        for level, one in found.items():
            with_energy(atoms, one, f"energy_{level.replace('(t)', 't')}")
    write(folder / "frozen.xyz", structures, format="extxyz", write_results=False)


def with_energy(atoms: Atoms, one: Computed, name: str) -> Atoms:
    atoms.info[name] = round(one.energy_eV, 8)
    if one.forces_eV_A is not None:
        atoms.arrays["forces"] = one.forces_eV_A
    return atoms


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    train, steps = rattled(), frozen()
    write_frozen(folder, steps, [labelled(atoms) for atoms in steps])
    write_levels(folder, train, [labelled(atoms) for atoms in train])
    made = {
        "by": "tests/science/make_labels.py",
        "settings": {level: SETTINGS.identity_of(level, forces) for level, forces in LEVELS.items()},
        "versions": {name: version(name) for name in PACKAGES},
    }
    (folder / "provenance.json").write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
