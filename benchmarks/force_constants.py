"""Differences by force constants on the published labels of diamond: how good, from how many labels, and how sure.

    python benchmarks/force_constants.py FOLDER [--halves 200] [--draws 20] [--figure FILE.png]

FOLDER holds `200221forcc.xyz` (DFT, with forces) and, of the levels above, `200221forcc_hfe.xyz`, `200221forcc_ccsdt.xyz`,
as they were published. Three tables, each frequency upon harmonic force constants of DFT that are fitted to its published
forces, over all modes of the 64-atom cell:

- what is left of each structure's energy by a fit to all others, and the optical mode at Γ, by cutoff;
- RMS of all frequencies against the fit to all labels, by the number of labels, drawn by chance and chosen;
- over random half sets, how often the stated error covers the distance to the fit to all labels. A half is part of the
  whole: the variance of that distance is that of the half less that of the whole, and it is this that is held against it.

With `--figure` the forecasts that a campaign would make of these labels are drawn instead: errors against the number of labels.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.build import bulk
from ase.io import read

from flows.forecast.outcome import forecast_of
from flows.forecast.settings import ForecastTask
from flows.phonons.cells import primitive
from flows.phonons.harmonic import cm1_per_THz
from flows.phonons.uncertainty import THz2_per_eV_A2_amu, dynamical_matrices
from flows.records import Forecast, Label, Structure
from flows.training.force_constants import design
from flows.training.force_constants.basis import SymmetryBasis, symmetric_cell, symmetry_basis
from flows.training.force_constants.choice import choose
from flows.training.force_constants.fit import Posterior, fitted
from flows.training.force_constants.frames import Frames
from flows.training.force_constants.settings import ForceConstantSettings
from flows.training.force_constants.sites import Sites, translations_within

LATTICE_A = 3.56074511
CUTOFFS_A = (2.735, 3.257, 3.8, 4.12)
BASE_A = 3.8
NEAREST_A = 1.59
COUNTS = (14, 20, 30, 50, 100)
FILES = {"HF": "200221forcc_hfe.xyz", "CCSD(T)": "200221forcc_ccsdt.xyz"}


@dataclass
class Crystal:
    """Diamond, its symmetric training cell, the wave vectors of that cell, and DFT's dynamical matrices at them."""

    sites: Sites
    cell: Sites
    qpoints: np.ndarray
    base: list[np.ndarray]

    @property
    def masses(self) -> np.ndarray:
        return self.sites.primitive.get_masses()

    def frequencies(self, basis: SymmetryBasis, mean: np.ndarray) -> np.ndarray:
        """(wave vectors, modes) in cm^-1 of DFT with a difference whose columns are 1, E_base, pairs, ..."""
        pairs = basis.orders[0]
        found = []
        for q, base in zip(self.qpoints, self.base, strict=True):
            added = np.tensordot(mean[2 : 2 + pairs.count], dynamical_matrices(pairs, self.sites.primitive, q, self.masses), 1)
            values = np.linalg.eigvalsh((1 + mean[1]) * base + added) * THz2_per_eV_A2_amu() * cm1_per_THz() ** 2
            found.append(np.sign(values) * np.sqrt(np.abs(values)))
        return np.array(found)

    def gradients(self, basis: SymmetryBasis, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Frequencies, and (wave vectors, modes, columns): how they follow the columns, to first order."""
        pairs = basis.orders[0]
        per = THz2_per_eV_A2_amu() * cm1_per_THz() ** 2
        frequencies, rows = [], []
        for q, base in zip(self.qpoints, self.base, strict=True):
            parts = np.concatenate([base[None], dynamical_matrices(pairs, self.sites.primitive, q, self.masses)])
            weights = np.concatenate([[1 + mean[1]], mean[2 : 2 + pairs.count]])
            values, vectors = np.linalg.eigh(np.tensordot(weights, parts, 1))
            omega = np.sqrt(np.abs(values) * per)
            slopes = np.einsum("im,pij,jm->mp", vectors.conj(), parts, vectors).real * per
            row = np.zeros((len(values), len(mean)))
            row[:, 1 : 2 + pairs.count] = slopes / (2 * np.maximum(omega, 1.0))[:, None]
            frequencies.append(omega)
            rows.append(row)
        return np.array(frequencies), np.array(rows)


def pairs_of_labels(folder: Path, name: str) -> list[tuple[Label, Label]]:
    below, above = (read(folder / file, ":") for file in ("200221forcc.xyz", FILES[name]))
    return [
        (_label(number, name, lower, upper.get_potential_energy(), False), _label(number, "DFT", lower, lower.get_potential_energy(), True))
        for number, (lower, upper) in enumerate(zip(below, above, strict=True))
    ]


def _label(number: int, level: str, atoms, energy_eV: float, forces: bool) -> Label:
    return Label(
        key=f"{level} {number}",
        structure_key=str(number),
        structure=Structure.from_atoms(atoms),
        level=level,
        energy_eV=float(energy_eV),
        forces_eV_A=atoms.get_forces().tolist() if forces else None,
        engine="published",
    )


def crystal_of(frames: Frames, forces: np.ndarray) -> Crystal:
    """DFT's pairs are fitted to the forces of the cooler half, with orders 3 and 4 that take what is anharmonic."""
    cell = symmetric_cell(frames.sites.primitive, frames.sites)
    basis = symmetry_basis(cell, {2: BASE_A, 3: NEAREST_A, 4: NEAREST_A})
    cool = np.argsort(frames.base_eV)[: len(frames.keys) // 2]
    rows = [
        np.concatenate([one.forces(frames.u[at], frames.sites).reshape(-1, one.count) for one in basis.orders], axis=1)
        for at in cool
    ]
    stacked = np.concatenate(rows)
    size = np.sqrt((stacked**2).mean(axis=0))
    mean = np.linalg.lstsq(stacked / size, forces[cool].ravel(), rcond=None)[0] / size
    qpoints = np.array([np.linalg.inv(cell.matrix) @ one for one in translations_within(cell.matrix.T)])
    pairs = basis.orders[0]
    masses = frames.sites.primitive.get_masses()
    base = [
        np.tensordot(mean[: pairs.count], dynamical_matrices(pairs, frames.sites.primitive, q, masses), 1) for q in qpoints
    ]
    return Crystal(frames.sites, cell, qpoints, base)


def optical(frequencies: np.ndarray) -> float:
    return float(frequencies[0].max())


def by_cutoff(crystal: Crystal, frames: Frames, name: str) -> None:
    atoms = len(frames.sites)
    for cutoff in CUTOFFS_A:
        for higher in ({}, {3: NEAREST_A, 4: NEAREST_A}):
            basis = symmetry_basis(crystal.cell, {2: cutoff, **higher})
            seen = frames.observations(basis, True)
            found = fitted(seen)
            frequencies, rows = crystal.gradients(basis, found.mean)
            error = float(np.sqrt(rows[0, -1] @ found.covariance @ rows[0, -1]))
            left = 1e3 * np.sqrt(np.mean(found.held_out**2)) / atoms
            print(f"| {name} | {cutoff:g} | {'2, 3, 4' if higher else '2'} | {sum(basis.counts.values())} | {left:.3f} | {optical(frequencies):.1f} ± {error:.1f} |")
    choice = choose(frames, crystal.cell, ForceConstantSettings())
    good = [crystal.frequencies(one.basis, one.posterior.mean) for one, fine in zip(choice.tried, choice.acceptable, strict=True) if fine]
    print(f"| {name} | chosen: {choice.chosen.cutoffs_A} | | {choice.chosen.parameters} | | {optical(good[0]):.1f}; acceptable: {', '.join(f'{optical(one):.1f}' for one in good)} |")


def by_count(crystal: Crystal, frames: Frames, structures: list[Structure], name: str, draws: int) -> None:
    basis = symmetry_basis(crystal.cell, {2: CUTOFFS_A[1]})
    whole = crystal.frequencies(basis, fitted(frames.observations(basis, True)).mean)
    order = {how: design.order(Structure.from_atoms(frames.sites.primitive), structures, how) for how in ("informative", "farthest")}

    def off(chosen) -> float:
        mean = fitted(frames.of_some(chosen).observations(basis, True)).mean
        return float(np.sqrt(((crystal.frequencies(basis, mean) - whole) ** 2).mean()))

    for count in COUNTS:
        drawn = [off(np.random.default_rng(seed).choice(len(structures), count, replace=False)) for seed in range(draws)]
        print(f"| {name} | {count} | {np.mean(drawn):.1f} ({min(drawn):.1f} to {max(drawn):.1f}) | {off(order['informative'][:count]):.1f} | {off(order['farthest'][:count]):.1f} |")


def calibration(crystal: Crystal, frames: Frames, name: str, halves: int) -> None:
    basis = symmetry_basis(crystal.cell, {2: CUTOFFS_A[1]})
    found: Posterior = fitted(frames.observations(basis, True))
    whole, rows = crystal.gradients(basis, found.mean)
    moving = whole > 5.0
    variance_of_whole = np.einsum("qmp,pr,qmr->qm", rows, found.covariance, rows)
    within, apart = [], []
    for seed in range(halves):
        chosen = np.random.default_rng(seed).choice(len(frames.keys), len(frames.keys) // 2, replace=False)
        half = fitted(frames.of_some(chosen).observations(basis, True))
        frequencies, slopes = crystal.gradients(basis, half.mean)
        variance = np.einsum("qmp,pr,qmr->qm", slopes, half.covariance, slopes)
        distance = np.abs(frequencies - whole)
        within.append((distance < np.sqrt(variance))[moving].mean())
        apart.append((distance < np.sqrt(np.maximum(variance - variance_of_whole, 0)))[moving].mean())
    print(f"| {name} | {halves} | {100 * np.mean(within):.0f} % | {100 * np.mean(apart):.0f} % |")


def draw(folder: Path, path: Path) -> None:
    """The figure of a campaign's page, from forecasts before any label and with all."""
    from matplotlib import rc_context

    from campaign.report.ink.style import STYLE
    from campaign.report.topics.forecast.gather import level_panel
    from campaign.report.topics.forecast.ink import draw_forecast
    from campaign.report.topics.forecast.payload import ForecastFigure

    panels = []
    for letter, name in zip("ab", FILES, strict=True):
        forecasts = _forecasts(folder, name)
        for one in forecasts:
            print(name, one.labelled, "labels:", one.reached or one.ahead[-1])
        panels.append(level_panel(forecasts).model_copy(update={"letter": letter}))
    figure = ForecastFigure(name="forecast", system="diamond", heading="", alt="", caption="", panels=tuple(panels))
    with rc_context(STYLE):
        draw_forecast(figure).savefig(path, dpi=150)


def _forecasts(folder: Path, name: str) -> list[Forecast]:
    primitive_cell = Structure.from_atoms(primitive(bulk("C", "diamond", a=LATTICE_A, cubic=True)))
    pairs = [tuple(one.model_copy(update={"level": one.level.lower()}) for one in pair) for pair in pairs_of_labels(folder, name)]
    labels = {one.key: one for pair in pairs for one in pair}
    rows = tuple((upper.key, base.key) for upper, base in pairs)
    about = {"key": name, "system": "diamond", "model": f"{name.lower()}-dft_fc", "primitive": primitive_cell, "draw": "informative"}
    tasks = (
        ForecastTask(**about, settings=ForceConstantSettings(), pool=tuple(row[1] for row in rows), labelled=some) for some in ((), rows)
    )
    return [forecast_of(task, labels) for task in tasks]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--halves", type=int, default=200)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--figure", type=Path)
    asked = parser.parse_args()
    if asked.figure is not None:
        draw(asked.folder, asked.figure)
        return
    diamond = primitive(bulk("C", "diamond", a=LATTICE_A, cubic=True))
    data = {}
    for name in FILES:
        labels = pairs_of_labels(asked.folder, name)
        data[name] = Frames.of(diamond, labels), [one.structure for _, one in labels]
        assert not data[name][0].left_out
    labels = pairs_of_labels(asked.folder, "HF")
    first = data["HF"][0]
    forces = np.array([np.array(one.forces_eV_A)[first.sites.displacements(one.structure.atoms())[1]] for _, one in labels])
    crystal = crystal_of(first, forces)
    print(f"DFT: Γ {optical(crystal.frequencies(symmetry_basis(crystal.cell, {2: 2.0}), np.zeros(50))):.1f} cm^-1")
    print("| level | cutoff Å | orders | parameters | left out, meV/atom | Γ, cm^-1 |\n|---|---|---|---|---|---|")
    for name, (frames, _) in data.items():
        by_cutoff(crystal, frames, name)
    print("\n| level | labels | by chance, cm^-1 | informative | farthest |\n|---|---|---|---|---|")
    for name, (frames, structures) in data.items():
        by_count(crystal, frames, structures, name, asked.draws)
    print("\n| level | half sets | within one stated error | within that of the distance |\n|---|---|---|---|")
    for name, (frames, _) in data.items():
        calibration(crystal, frames, name, asked.halves)


if __name__ == "__main__":
    main()
