"""How good stated errors of differences by force constants are: held against truths that the fit does not know.

    python benchmarks/stated_errors.py [--draws 12]

Two tables, without and with what displacements hide (flows/training/force_constants/renormalization.py): the optical mode of diamond at Γ,
eight atoms by PySCF, against the frozen phonon of the same engine, over three levels and twelve overlapping sets of the labels of
`tests/science`; and all modes of a model crystal in its eight atoms, against its second derivatives. The model is Tersoff's of carbon, a
potential of bonds and angles (J. Tersoff, Phys. Rev. Lett. 61, 2879 (1988)), its parameters drawn anew for the base and again for the
level upon it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.tersoff import Tersoff, TersoffParameters

from flows.phonons.cells import primitive
from flows.phonons.qpoints import commensurate
from flows.phonons.uncertainty import Modes, dynamical_matrices, variances
from flows.training.force_constants.basis import Interactions, symmetric_cell, symmetry_basis
from flows.training.force_constants.choice import choose
from flows.training.force_constants.difference import fitted_difference, pair_fit
from flows.training.force_constants.frames import Frames
from flows.training.force_constants.model import ForceConstants
from flows.training.force_constants.settings import ForceConstantSettings
from flows.training.force_constants.sites import Sites

LEVELS = ("hf", "mp2", "ccsd(t)")
SETS = (
    range(16), range(16, 32), range(8, 24), range(16, 28), range(12), range(1, 32, 2),
    range(0, 32, 2), range(32), range(4, 20), range(12, 28), range(20, 32), range(8, 28),
)  # fmt: skip
SIZES_A = ((0.015, 0.03), (0.03,), (0.06,), (0.09,), (0.03, 0.06))
COUNTS = (12, 20, 40)
NOISE_EV = 1e-5
CONVENTIONAL = bulk("C", "diamond", a=3.561, cubic=True)
CARBON = {
    "m": 3, "gamma": 1.0, "lambda3": 0.0, "c": 38049.0, "d": 4.3484, "h": -0.57058, "n": 0.72751, "beta": 1.5724e-7,
    "lambda2": 2.2119, "B": 346.7, "R": 1.95, "D": 0.15, "lambda1": 3.4879, "A": 1393.6,
}  # fmt: skip
DRAWN = ("d", "h", "lambda2", "B", "lambda1", "A")
STEP_A = 1e-3


@dataclass(frozen=True)
class Held:
    """Frequencies beside their truth: how far they are off, and the stated error of each, cm^-1."""

    off: np.ndarray
    plain: np.ndarray
    stated: np.ndarray

    def said(self, errors: np.ndarray) -> str:
        ratio = self.off / errors
        within = (f"{100 * np.mean(ratio < bound):.0f} %" for bound in (1, 2, 3))
        return f"{np.median(errors):.1f} | {' | '.join(within)} | {np.sqrt(np.mean(ratio**2)):.1f}"


def held(found: Modes, model: ForceConstants, plain: ForceConstants, truth: np.ndarray) -> tuple[np.ndarray, ...]:
    return np.abs(found.frequencies - truth), np.sqrt(variances(plain, found)), np.sqrt(variances(model, found))


def fits(frames: Frames) -> tuple[ForceConstants, ForceConstants]:
    """The difference with its stated errors, and the same with those of the covariance and the cutoffs alone."""
    choice = choose(frames, symmetric_cell(frames.sites.primitive, frames.sites), ForceConstantSettings())
    acceptable = [one for one, good in zip(choice.tried, choice.acceptable, strict=True) if good]
    model = fitted_difference(frames, choice)
    return model, replace(model, fits=tuple(pair_fit(one) for one in acceptable))


# PySCF


def by_pyscf() -> Held:
    sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / "science")]
    from diamond_labels import MASS_U, gamma_cm1, published, stiffness_eV_A2

    label_set, labels = published()
    keys = list(label_set.labels["dft"])
    rows = []
    for level in LEVELS:
        for some in SETS:
            pairs = [(labels[label_set.labels[level][keys[at]]], labels[label_set.labels["dft"][keys[at]]]) for at in some]
            model, plain = fits(Frames.of(primitive(CONVENTIONAL), pairs))
            masses, gamma = np.full(2, MASS_U), np.zeros(3)
            base = np.kron([[1, -1], [-1, 1]], np.eye(3)) * stiffness_eV_A2("dft") / MASS_U
            found = Modes.of_matrix(gamma, masses, (1 + model.slope) * base + dynamical_matrices(model.interactions[0], model.primitive, gamma, masses)[0])
            rows.append([one[-1] for one in held(found, model, plain, gamma_cm1(stiffness_eV_A2(level)))])
    return Held(*np.array(rows).T)


# the model crystal


@dataclass(frozen=True)
class ModelCrystal:
    """A base and a level upon it, and the pair force constants (P,) of the base and of the difference, by second derivatives."""

    base: Tersoff
    upper: Tersoff
    sites: Sites
    pairs: Interactions
    of_base: np.ndarray
    of_difference: np.ndarray

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> ModelCrystal:
        sites = Sites.of_matrix(primitive(CONVENTIONAL), np.rint(CONVENTIONAL.cell.array @ np.linalg.inv(primitive(CONVENTIONAL).cell.array)).astype(int))
        (pairs,) = symmetry_basis(symmetric_cell(sites.primitive, sites), {2: None}).orders
        first = CARBON | {name: CARBON[name] * (1 + 0.03 * rng.normal()) for name in DRAWN}
        second = first | {name: first[name] * (1 + 0.015 * rng.normal()) for name in DRAWN}
        base, upper = (Tersoff({("C", "C", "C"): TersoffParameters(**one)}) for one in (first, second))
        of_base, of_upper = (stiffness(one, sites, pairs) for one in (base, upper))
        return cls(base, upper, sites, pairs, of_base, of_upper - of_base)

    def matrices(self, parameters: np.ndarray, q: np.ndarray) -> np.ndarray:
        primitive_cell = self.sites.primitive
        return np.tensordot(parameters, dynamical_matrices(self.pairs, primitive_cell, q, primitive_cell.get_masses()), 1)

    def frames(self, sizes_A: tuple[float, ...], count: int, rng: np.random.Generator) -> Frames:
        u = np.resize(sizes_A, count)[:, None, None] * rng.normal(size=(count, len(self.sites), 3))
        u -= u.mean(axis=1, keepdims=True)
        energies = [np.array([energy_and_forces(one, self.sites, moved)[0] for moved in u]) for one in (self.base, self.upper)]
        difference = energies[1] - energies[0] + NOISE_EV * rng.normal(size=count)
        nothing = np.zeros_like(u)
        return Frames(self.sites, tuple(map(str, range(count))), u, energies[0], difference, nothing, nothing, False)

    def held(self, frames: Frames) -> Iterator[list[np.ndarray]]:
        """Of every mode but translations, by wave vector."""
        model, plain = fits(frames)
        masses = self.sites.primitive.get_masses()
        for q in commensurate(self.sites.matrix):
            base = self.matrices(self.of_base, q)
            truth = Modes.of_matrix(q, masses, base + self.matrices(self.of_difference, q))
            found = Modes.of_matrix(q, masses, (1 + model.slope) * base + dynamical_matrices(model.interactions[0], model.primitive, q, masses)[0])
            moving = np.abs(truth.frequencies) > 5.0
            yield [one[moving] for one in held(found, model, plain, truth.frequencies)]


def energy_and_forces(calculator: Tersoff, sites: Sites, u: np.ndarray) -> tuple[float, np.ndarray]:
    atoms = Atoms(["C"] * len(sites), positions=sites.positions + u, cell=sites.cell, pbc=True, calculator=calculator)
    return atoms.get_potential_energy(), atoms.get_forces()


def stiffness(calculator: Tersoff, sites: Sites, pairs: Interactions) -> np.ndarray:
    """(P,): by central differences of the forces."""
    rows, values = [], []
    for u in np.random.default_rng(0).normal(size=(8, len(sites), 3)):
        moved = STEP_A * (u - u.mean(axis=0))
        ahead, back = (energy_and_forces(calculator, sites, sign * moved)[1] for sign in (1, -1))
        rows.append(pairs.forces(moved, sites).reshape(-1, pairs.count))
        values.append((ahead - back).ravel() / 2)
    found, *_ = np.linalg.lstsq(np.concatenate(rows) / STEP_A, np.concatenate(values) / STEP_A, rcond=None)
    left = np.concatenate(rows) @ found - np.concatenate(values)
    assert np.abs(left).max() < 1e-4 * np.abs(np.concatenate(values)).max(), "pairs that the cell does not tell apart"
    return found


def by_model(sizes_A: tuple[float, ...], count: int, draws: int) -> Held:
    columns: list[list[np.ndarray]] = []
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        crystal = ModelCrystal.drawn(rng)
        columns += crystal.held(crystal.frames(sizes_A, count, rng))
    return Held(*(np.concatenate([one[at] for one in columns]) for at in range(3)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=12)
    asked = parser.parse_args()
    print("| stated error | its median, cm^-1 | within one | two | three | RMS |\n|---|---|---|---|---|---|", flush=True)
    found = by_pyscf()
    print(f"| covariance and cutoffs alone | {found.said(found.plain)} |\n| with Φ' | {found.said(found.stated)} |\n")
    print("| displacements, Å | labels | RMS off, cm^-1 | without: median, cm^-1 | within one | two | three | RMS | with: median, cm^-1 | within one | two | three | RMS |")
    print("|" + "---|" * 13, flush=True)
    for sizes_A in SIZES_A:
        for count in COUNTS:
            found = by_model(sizes_A, count, asked.draws)
            sizes = " and ".join(map(str, sizes_A))
            print(f"| {sizes} | {count} | {np.sqrt(np.mean(found.off**2)):.1f} | {found.said(found.plain)} | {found.said(found.stated)} |", flush=True)


if __name__ == "__main__":
    main()
