"""Energies held against forces: between near structures, dE = -(F_i + F_j)/2 · dx up to third order in dx.

(The trapezoidal rule along the straight path.) On the paper's labels the rise of the energy over the work of
the forces is 1.00, with a correlation of 0.9998, in files of any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from flows.records import Label, Structure

_NEIGHBOURS = 5
_MOST = 4000  # squared distances of all to all: 128 MB
_OUTLIER_SIGMAS = 8.0  # 2.7 at most in the paper's labels, 4 where rattles and hot frames are mixed
_ROUNDING_EV = 1e-3


@dataclass(frozen=True)
class NeighbourWork:
    """Of n structures, and the 5 structures j nearest to each i, nearest first, (n, 5) each: the work
    -(F_i + F_j)/2 · dx and the rise E_j - E_i (eV), and the distance |dx| over all atoms (Å)."""

    keys: tuple[str, ...] = ()
    works: np.ndarray = field(default_factory=lambda: np.zeros((0, _NEIGHBOURS)))
    rises: np.ndarray = field(default_factory=lambda: np.zeros((0, _NEIGHBOURS)))
    distances: np.ndarray = field(default_factory=lambda: np.zeros((0, _NEIGHBOURS)))


def neighbour_work(labels: Mapping[str, Label]) -> NeighbourWork:
    """Only labels with forces, in the cell and order of atoms of the first of them, and at most 4000 of them,
    count; n is 0 where they are 5 or fewer."""
    usable = {key: label for key, label in labels.items() if label.forces_eV_A is not None}
    first = next(iter(usable.values()), None)
    same = [key for key, label in usable.items() if first and _same_frame(label.structure, first.structure)]
    if first is None or len(same) <= _NEIGHBOURS:
        return NeighbourWork()
    keys = [same[i] for i in np.unique(np.linspace(0, len(same) - 1, _MOST).astype(int))]
    cell = np.array(first.structure.cell)
    positions = np.array([usable[key].structure.positions for key in keys])
    flat = (_without_drift(positions @ np.linalg.inv(cell)) @ cell).reshape(len(keys), -1)
    forces = np.array([usable[key].forces_eV_A for key in keys]).reshape(len(keys), -1)
    energies = np.array([usable[key].energy_eV for key in keys])
    near = _nearest(flat)
    works, distances = np.empty(near.shape), np.empty(near.shape)
    for column, j in enumerate(near.T):
        dx = flat[j] - flat
        works[:, column] = -0.5 * ((forces + forces[j]) * dx).sum(axis=1)
        distances[:, column] = np.linalg.norm(dx, axis=1)
    return NeighbourWork(tuple(keys), works, energies[near] - energies[:, None], distances)


def out_of_work(labels: Mapping[str, Label]) -> list[str]:
    """Keys of structures whose energy does not belong to their forces and those around.

    Rise - work is held against what the third order leaves at that distance, s |dx|³, with s from all pairs
    (1.4826 times the median of |rise - work| / |dx|³): hot structures are further from each other than rattled
    ones. A structure is out where the median over its 5 nearest is more than 8 times that.
    """
    found = neighbour_work(labels)
    if not found.keys:
        return []
    left, cubes = found.rises - found.works, np.maximum(found.distances, 1e-12) ** 3
    sigma = np.maximum(1.4826 * np.median(np.abs(left) / cubes) * cubes, _ROUNDING_EV)
    off = np.abs(np.median(left / sigma, axis=1))
    return [key for key, one in zip(found.keys, off, strict=True) if one > _OUTLIER_SIGMAS]


def _nearest(flat: np.ndarray) -> np.ndarray:
    squares = (flat**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * (flat @ flat.T)
    np.fill_diagonal(distances, np.inf)
    near = np.argpartition(distances, _NEIGHBOURS - 1, axis=1)[:, :_NEIGHBOURS]
    order = np.take_along_axis(distances, near, axis=1).argsort(axis=1)
    return np.take_along_axis(near, order, axis=1)


def _without_drift(fractional: np.ndarray) -> np.ndarray:
    """Displacements (n, N, 3) from the first structure, without their circular mean: a crystal under a
    thermostat drifts by more than the atoms vibrate, and drift does no work."""
    steps = fractional - fractional[0]
    drift = np.angle(np.exp(2j * np.pi * steps).mean(axis=1, keepdims=True)) / (2 * np.pi)
    steps -= drift
    return steps - steps.round()


def _same_frame(one: Structure, two: Structure) -> bool:
    return one.symbols == two.symbols and one.cell == two.cell
