"""Crystals, their supercells with displaced atoms, and a difference of two levels whose force constants are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones

from flows.phonons.cells import primitive
from flows.records import Label, Structure
from flows.training.force_constants.basis import symmetric_cell, symmetry_basis
from flows.training.force_constants.frames import Frames
from flows.training.force_constants.model import ForceConstants
from flows.training.force_constants.settings import ForceConstantSettings, ForceConstantTask
from flows.training.force_constants.sites import Sites

DIAMOND = primitive(bulk("C", "diamond", a=3.56, cubic=True))
ROCKSALT = primitive(bulk("LiH", "rocksalt", a=4.08, cubic=True))
HEXAGONAL = primitive(bulk("Mg", "hcp", a=3.2, c=5.2))
WURTZITE = primitive(bulk("ZnO", "wurtzite", a=3.25, c=5.2, u=0.382))
# Pnma would have more atoms; this one has one mirror, four atoms of two kinds, and no inversion
LOW = Atoms(
    "Si2O2",
    scaled_positions=[(0.1, 0.0, 0.15), (0.62, 0.5, 0.31), (0.28, 0.0, 0.72), (0.81, 0.5, 0.83)],
    cell=[[4.1, 0, 0], [0, 3.3, 0], [0.7, 0, 4.6]],
    pbc=True,
)
CRYSTALS = {"diamond": DIAMOND, "rocksalt": ROCKSALT, "hexagonal": HEXAGONAL, "wurtzite": WURTZITE, "low": LOW}
TRAINING = {
    "diamond": [[-2, 2, 2], [2, -2, 2], [1, 1, -1]],  # 2 x 2 x 1 of the cube
    "rocksalt": [[-1, 1, 1], [1, -1, 1], [1, 1, -1]],
    "hexagonal": [[2, 0, 0], [0, 2, 0], [0, 0, 1]],
    "wurtzite": [[2, 0, 0], [0, 1, 0], [0, 0, 1]],
    "low": [[2, 0, 0], [0, 2, 0], [0, 0, 1]],
}


def base_calculator() -> LennardJones:
    return LennardJones(sigma=1.2, epsilon=0.8, rc=6.0, smooth=True)


@dataclass
class Toy:
    """`upper` - base = constant + slope E_base + the force constants of `truth`, at frames of `sites`."""

    truth: ForceConstants
    sites: Sites
    frames: list[Atoms]
    base_eV: np.ndarray
    base_forces: np.ndarray
    upper_eV: np.ndarray
    upper_forces: np.ndarray

    @property
    def primitive(self) -> Atoms:
        return self.truth.primitive

    def labels(self, forces: bool = False, noise_eV: float = 0.0, seed: int = 0) -> dict[str, Label]:
        rng = np.random.default_rng(seed)
        found = {}
        for number, atoms in enumerate(self.frames):
            structure = Structure.from_atoms(atoms)
            for level, energies, of in (("dft", self.base_eV, self.base_forces), ("hf", self.upper_eV, self.upper_forces)):
                energy = energies[number] + (noise_eV * rng.normal() if level == "hf" else 0.0)
                found[f"{level}{number}"] = Label(
                    key=f"{level}{number}",
                    structure_key=f"s{number}",
                    structure=structure,
                    level=level,
                    energy_eV=float(energy),
                    forces_eV_A=of[number].tolist() if forces else None,
                    engine="toy",
                )
        return found

    def task(self, train: range | list[int], test: range | list[int] = range(0), **settings: object) -> ForceConstantTask:
        return ForceConstantTask(
            key="toy",
            system="toy",
            model="hf-dft_fc",
            size="full",
            primitive=Structure.from_atoms(self.primitive),
            settings=ForceConstantSettings.model_validate(settings),
            train=tuple((f"hf{one}", f"dft{one}") for one in train),
            test=tuple((f"hf{one}", f"dft{one}") for one in test),
        )

    def data(self, **how: object) -> Frames:
        labels = self.labels(**how)  # type: ignore[arg-type]
        return Frames.of(self.primitive, [(labels[f"hf{one}"], labels[f"dft{one}"]) for one in range(len(self.frames))])


def toy(
    name: str,
    count: int = 60,
    *,
    seed: int = 0,
    slope: float = 0.07,
    amplitude_A: float = 0.03,
    cutoffs_A: dict[int, float | None] | None = None,
    shuffled: bool = False,
) -> Toy:
    """A crystal of `CRYSTALS` with random force constants of its symmetry, and frames with atoms displaced at random.

    `shuffled`: atoms in another order, wrapped, and all moved together, differently in each frame.
    """
    rng = np.random.default_rng(seed)
    crystal = CRYSTALS[name]
    sites = Sites.of_matrix(crystal, TRAINING[name])
    basis = symmetry_basis(symmetric_cell(crystal, sites), cutoffs_A or {2: None})
    scale = {2: 3.0, 3: 10.0, 4: 40.0}
    interactions = tuple(one.weighted(scale[one.order] * rng.normal(size=one.count)) for one in basis.orders)
    truth = ForceConstants(crystal, 0.3, slope, interactions, ())
    u = amplitude_A * rng.normal(size=(count, len(sites), 3))
    u -= u.mean(axis=1, keepdims=True)
    frames, base, forces, more = [], [], [], []
    for displaced in u:
        atoms = Atoms(numbers=sites.numbers, positions=sites.positions + displaced, cell=sites.cell, pbc=True)
        order = rng.permutation(len(atoms)) if shuffled else np.arange(len(atoms))
        atoms = atoms[order]
        if shuffled:
            atoms.positions += rng.uniform(-5, 5, 3)
            atoms.wrap()
        atoms.calc = base_calculator()
        base.append(atoms.get_potential_energy())
        forces.append(atoms.get_forces())
        added = sum(one.forces(displaced, sites)[:, :, 0] for one in interactions)
        more.append(added[order])
        atoms.calc = None
        frames.append(atoms)
    base_eV = np.array(base)
    upper = (1 + slope) * base_eV + truth.energies(u, sites)
    return Toy(truth, sites, frames, base_eV, np.array(forces), upper, (1 + slope) * np.array(forces) + np.array(more))


def supercell_of(crystal: Atoms, matrix: list[list[int]] | np.ndarray, amplitude_A: float = 0.03, seed: int = 5) -> Atoms:
    """A supercell with atoms displaced at random."""
    sites = Sites.of_matrix(crystal, matrix)
    moved = amplitude_A * np.random.default_rng(seed).normal(size=(len(sites), 3))
    return Atoms(numbers=sites.numbers, positions=sites.positions + moved, cell=sites.cell, pbc=True)
