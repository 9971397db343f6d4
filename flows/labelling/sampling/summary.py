"""What was drawn, in numbers for a report: how far each structure is from the training cell, and what is labelled."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from flows.records import Drawn, Structure


@dataclass(frozen=True)
class DrawnRow:
    """One structure that was drawn. `rms_displacement_A`: sqrt of the mean over atoms of |u|²; `chosen`: in the subset."""

    structure_key: str
    method: str
    stratum: float | None
    step: int | None
    rms_displacement_A: float
    chosen: bool


def drawn_summary(
    drawn: Iterable[Drawn], training_cell: Structure, chosen: Collection[str] = ()
) -> tuple[DrawnRow, ...]:
    """A row for each structure, in their order; `chosen` are the structure keys of the subset.

    Raises:
        ValueError: a structure has other atoms, or atoms in another order, than `training_cell`.
    """
    keys = frozenset(chosen)
    rows = []
    for one in drawn:
        key = one.structure.key()
        rms = rms_displacement_A(one.structure, training_cell)
        rows.append(DrawnRow(key, one.method, one.stratum, one.step, rms, key in keys))
    return tuple(rows)


def rms_displacement_A(structure: Structure, reference: Structure) -> float:
    """sqrt(Σ |u_i|² / N) of the displacements from `reference`, as minimum images and without drift.

    Drift is the mean displacement of all atoms (at first the circular mean, which needs no images). Where cells
    differ, fractional coordinates are compared.

    Raises:
        ValueError: the two have other atoms, or atoms in another order.
    """
    from ase.geometry import find_mic

    if structure.symbols != reference.symbols:
        raise ValueError(
            "displacements need the same atoms in the same order: "
            f"{structure.atoms().get_chemical_formula()} and {reference.atoms().get_chemical_formula()}"
        )
    cell = np.array(structure.cell)
    steps = _fractional(structure) - _fractional(reference)
    steps -= np.angle(np.exp(2j * np.pi * steps).mean(axis=0)) / (2 * np.pi)
    moves = find_mic(steps @ cell, cell)[0]
    moves -= moves.mean(axis=0)
    return float(np.sqrt((moves**2).sum(axis=1).mean()))


def _fractional(structure: Structure) -> np.ndarray:
    return np.asarray(structure.positions) @ np.linalg.inv(np.array(structure.cell))
