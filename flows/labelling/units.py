"""Whether the numbers of a level can be what they are said to be: eV per cell, eV/Å.

A level, against the base level over the matched structures: a straight line E_level(E_base) has a slope near
1 (1.23 for Hartree-Fock diamond against PBE). It is refused when the slope lies outside 0.5 to 2 although the
energies follow each other (rank correlation above 0.9, at least 8 structures). Absolute energies prove nothing:
pseudopotentials differ.

The base level, where it has forces: the rise of its energy between near structures over the work of its
forces (`flows.labelling.work`). It is refused when the slope lies outside 0.7 to 1.4 although the two follow
each other (rank correlation above 0.9, at least 8 structures): then energies, forces and positions are not
eV, eV/Å, Å together. Without forces, or with all structures far apart, it is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from flows.labelling.work import neighbour_work
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


def level_trouble(
    labels: Mapping[str, Label], base: Mapping[str, Label], base_level: str, *, in_eV: bool = False
) -> str | None:
    """Why a level cannot be used, in words, or None. Both map structure keys to labels; `in_eV`: units are not judged."""
    keys = [key for key in labels if key in base]
    if _repeats_forces(labels, base, keys):
        return f"its forces are those of {base_level}, repeated: say that it has none"
    if trouble := _one_energy(labels):
        return trouble
    slope = level_slope(labels, base)
    if in_eV or slope is None or _LEVEL_SLOPES[0] <= slope <= _LEVEL_SLOPES[1]:
        return None
    atoms = len(labels[keys[0]].structure.symbols)
    return (
        f"{_follows(slope, base_level)}: not eV per cell, {_likely(slope, {**_UNITS_PER_EV, **_per_atom(atoms)})}; "
        "convert them, or, if they are eV per cell, write in_eV: true at the level"
    )


def steep(labels: Mapping[str, Label], base: Mapping[str, Label], base_level: str) -> str | None:
    """What is worth saying of a level that is used only because its user says that it is in eV."""
    slope = level_slope(labels, base)
    if slope is None or _LEVEL_SLOPES[0] <= slope <= _LEVEL_SLOPES[1]:
        return None
    return f"{_follows(slope, base_level)}: taken as eV per cell, as in_eV says"


def _follows(slope: float, base_level: str) -> str:
    return f"its energies follow those of {base_level} with a slope of {slope:.4g} instead of about 1"


def level_slope(labels: Mapping[str, Label], base: Mapping[str, Label]) -> float | None:
    """Slope of E_level(E_base), or None where there are too few structures or no relation to judge by."""
    keys = [key for key in labels if key in base]
    theirs, ours = (np.array([part[key].energy_eV for key in keys]) for part in (base, labels))
    return robust_slope(theirs, ours)


def _per_atom(atoms: int) -> dict[str, float]:
    return {"eV/atom": 1 / atoms, "Hartree/atom": 1 / (27.211386 * atoms), "meV/atom": 1e3 / atoms}


def _likely(factor: float, candidates: Mapping[str, float]) -> str:
    ratios = {
        name: max(factor / value, value / factor) for name, value in candidates.items() if factor * value > 0
    }
    near = sorted((name for name in ratios if ratios[name] < _NEAR_ENOUGH), key=lambda name: ratios[name])
    return f"likely {' or '.join(near)}" if near else "and no unit that is known here"


def _one_energy(labels: Mapping[str, Label]) -> str | None:
    """That all of many structures have one and the same energy, which no crystal has; few may be equal by symmetry."""
    energies = {label.energy_eV for label in labels.values()}
    if len(labels) < _FEWEST or len(energies) > 1:
        return None
    return f"all of its {len(labels)} energies are {energies.pop():g} eV: this is not the energy of each structure"


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


def base_trouble(base: Mapping[str, Label], *, in_eV: bool = False) -> str | None:
    """Why the base level cannot be used, in words, or None; `in_eV`: units are not judged."""
    forces = [label.forces_eV_A for label in base.values() if label.forces_eV_A is not None]
    if len(forces) > 1 and not np.array(forces).any():
        return "all forces are zero: say that the level has none"
    if trouble := _one_energy(base):
        return trouble
    slope = base_slope(base)
    if in_eV or slope is None or _WORK_SLOPES[0] <= slope <= _WORK_SLOPES[1]:
        return None
    units = {**_EV_A, "energies in eV/atom": 1 / len(forces[0])}
    return (
        f"{_rises(slope)}: not eV, eV/Å and Å, {_likely(slope, units)}; convert the files, or, if they are, write in_eV: true "
        "at the level"
    )


def out_of_step(base: Mapping[str, Label]) -> str | None:
    """What is worth saying of a base level that is used only because its user says that it is in eV."""
    slope = base_slope(base)
    if slope is None or _WORK_SLOPES[0] <= slope <= _WORK_SLOPES[1]:
        return None
    return f"{_rises(slope)}: taken as eV, eV/Å and Å, as in_eV says"


def _rises(slope: float) -> str:
    return f"its energies rise by {slope:.4g} times the work of its forces between neighbouring structures"


def base_slope(base: Mapping[str, Label]) -> float | None:
    """Rise of the energy over the work of the forces, or None where there is too little to judge by."""
    found = neighbour_work(base)
    return robust_slope(found.works[:, 0], found.rises[:, 0])
