"""Whether the numbers of a level can be what they are said to be: eV per cell, eV/Å.

A level, against the base level over the matched structures: a straight line E_level(E_base) has a slope near
1 (1.23 for Hartree-Fock diamond against PBE). It is refused when the slope lies outside 0.5 to 2 although the
energies follow each other (correlation above 0.9, at least 8 structures). Absolute energies prove nothing:
pseudopotentials differ.

The base level, where it has forces: between two structures i, j near each other, dE = -(F_i + F_j)/2 · dx
to second order. It is refused when the slope of dE against that work lies outside 0.7 to 1.4 although the
two follow each other (correlation above 0.9, at least 8 pairs): then energies, forces and positions are not
eV, eV/Å, Å together. Data whose structures are all far apart, or without forces, is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from flows.records import Label

_FEWEST = 8
_CORRELATION = 0.9
_LEVEL_SLOPES = (0.5, 2.0)
_WORK_SLOPES = (0.7, 1.4)
_NEAR_ENOUGH = (
    1.5  # the slope of a right level is no exact 1: units nearer to each other cannot be told apart
)
_UNITS_PER_EV = {
    "Hartree": 1 / 27.211386,
    "Rydberg": 1 / 13.605693,
    "meV": 1e3,
    "kJ/mol": 96.485332,
    "kcal/mol": 23.060548,
    "Kelvin": 11604.518,
}
_EV_A = {
    "energies in Hartree": 1 / 27.211386,
    "energies in Rydberg": 1 / 13.605693,
    "energies in meV": 1e3,
    "forces in Hartree/Bohr": 51.422067,
    "forces in Rydberg/Bohr": 25.711034,
    "forces in meV/Å": 1e-3,
    "energies in Hartree and forces in Hartree/Bohr": 1.8897261,
    "positions in Bohr": 0.52917721,
    "forces of the wrong sign": -1.0,
}


def level_trouble(labels: Mapping[str, Label], base: Mapping[str, Label], base_level: str) -> str | None:
    """Why a level cannot be used, in words, or None. Both map structure keys to labels."""
    keys = [key for key in labels if key in base]
    ours, theirs = (np.array([part[key].energy_eV for key in keys]) for part in (labels, base))
    if _repeats_forces(labels, base, keys):
        return f"its forces are those of {base_level}, repeated: say that it has none"
    slope = robust_slope(theirs, ours)
    if slope is None or _LEVEL_SLOPES[0] <= slope <= _LEVEL_SLOPES[1]:
        return None
    atoms = len(labels[keys[0]].structure.symbols)
    return (
        f"its energies follow those of {base_level} with a slope of {slope:.4g} instead of about 1:"
        f" not eV per cell, {_likely(slope, {**_UNITS_PER_EV, **_per_atom(atoms)})}; convert them"
    )


def _per_atom(atoms: int) -> dict[str, float]:
    return {"eV/atom": 1 / atoms, "Hartree/atom": 1 / (27.211386 * atoms), "meV/atom": 1e3 / atoms}


def _likely(factor: float, candidates: Mapping[str, float]) -> str:
    ratios = {
        name: max(factor / value, value / factor) for name, value in candidates.items() if factor * value > 0
    }
    near = sorted((name for name in ratios if ratios[name] < _NEAR_ENOUGH), key=lambda name: ratios[name])
    return f"likely {' or '.join(near)}" if near else "and no unit that is known here"


def _repeats_forces(labels: Mapping[str, Label], base: Mapping[str, Label], keys: list[str]) -> bool:
    with_forces = [key for key in keys if labels[key].forces_eV_A is not None]
    return bool(with_forces) and all(labels[key].forces_eV_A == base[key].forces_eV_A for key in with_forces)


def robust_slope(x: np.ndarray, y: np.ndarray) -> float | None:
    """Theil-Sen slope of y(x), (n,) each, or None where the two do not follow each other well enough to say.

    Sen, J. Am. Stat. Assoc. 63, 1379 (1968): the median of the slopes of all pairs, here of at most 400 points.
    """
    if len(x) < _FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    if abs(_rank_correlation(x, y)) < _CORRELATION:
        return None
    pick = np.unique(np.linspace(0, len(x) - 1, min(len(x), 400)).astype(int))
    i, j = np.triu_indices(len(pick), 1)
    dx, dy = (values[pick][j] - values[pick][i] for values in (x, y))
    return float(np.median(dy[dx != 0] / dx[dx != 0]))


def _rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    rank_x, rank_y = (np.argsort(np.argsort(values)).astype(float) for values in (x, y))
    return float(np.corrcoef(rank_x, rank_y)[0, 1])


def base_trouble(base: Mapping[str, Label]) -> str | None:
    """Why the base level cannot be used, in words, or None."""
    labels = [label for label in base.values() if label.forces_eV_A is not None]
    if len(labels) < 2:
        return None
    forces = np.array([label.forces_eV_A for label in labels])
    if np.abs(forces).max() == 0:
        return "all forces are zero: say that the level has none"
    works, rises = neighbour_work(labels, forces)
    slope = robust_slope(works, rises)
    if slope is None or _WORK_SLOPES[0] <= slope <= _WORK_SLOPES[1]:
        return None
    return (
        f"its energies rise by {slope:.4g} times the work of its forces between neighbouring structures:"
        f" not eV and eV/Å, {_likely(slope, {**_EV_A, 'energies in eV/atom': 1 / forces.shape[1]})}; convert the files"
    )


def neighbour_work(labels: list[Label], forces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Work -(F_i + F_j)/2 · dx and rise E_j - E_i (eV), of each structure i and the one nearest to it.

    `forces` is (n, N, 3). Structures are compared with those next to them in the list (files of an MD are in
    order), and only pairs in the same cell and order of atoms count. At most 400 pairs are looked at.
    """
    works, rises = [], []
    pick = np.unique(np.linspace(0, len(labels) - 2, min(len(labels) - 1, 400)).astype(int))
    for i in pick:
        one, two = labels[i].structure, labels[i + 1].structure
        if one.symbols != two.symbols or one.cell != two.cell:
            continue
        cell = np.array(one.cell)
        step = (np.array(two.positions) - np.array(one.positions)) @ np.linalg.inv(cell)
        step -= step.round()
        works.append(-0.5 * float(((forces[i] + forces[i + 1]) * (step @ cell)).sum()))
        rises.append(labels[i + 1].energy_eV - labels[i].energy_eV)
    return np.array(works), np.array(rises)
