"""Energies held against forces: between near structures, dE = -(F_i + F_j)/2 · dx up to third order in dx.

(The trapezoidal rule along the straight path.) On the paper's labels the rise of the energy over the work of
the forces is 1.00, with a correlation of 0.9998, in files of any order.

What the rule leaves is -1/12 V_abc dx_a dx_b dx_c at the middle x of the path. The third derivatives of the crystal
at rest have any sign, and so has their sum: it scatters as s |dx|³. The fourth, -1/12 V_abcd x_a dx_b dx_c dx_d, have a
mean: by Wick's rule -1/4 V_abcd <x_a dx_b> <dx_c dx_d>, for one shape of vibrations c · work · |dx|², where work is
V_ab <x_a dx_b>. Of N atoms the scatter grows as sqrt(N) and the mean as N: in a large cell it is what is seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from flows.records import Label, Structure

_NEIGHBOURS = 5
_MOST = 4000  # squared distances of all to all: 128 MB
_OUTLIER_SIGMAS = 6.0  # 2.5 at most in the paper's labels, 4 in sets of 16 to 256 atoms, rattled, hot, and mixed
_ROUNDING_EV = 1e-3
_SAME_A = 1e-4
_WINDOW = 50  # pairs at one distance
_SHAPE = 0.25  # c is one number for rattles and vibrations, which differ in shape


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

    Rise - work, without the mean that the fourth order leaves, is held against the scatter that the third leaves at
    that distance. A structure is out where the median over its 5 nearest is more than 6 times that.
    """
    found = neighbour_work(labels)
    if not found.keys:
        return []
    mean = _fourth_order(found)
    left = found.rises - found.works - mean
    sigma = np.sqrt(_scatter(left, found.distances) ** 2 + (_SHAPE * mean) ** 2 + _ROUNDING_EV**2)
    off = np.abs(np.median(left / sigma, axis=1))
    return [key for key, one in zip(found.keys, off, strict=True) if one > _OUTLIER_SIGMAS]


def _fourth_order(found: NeighbourWork) -> np.ndarray:
    """c · work · |dx|², (n, 5), with the c that makes the sum of |rise - work - c work |dx|²| / |dx|³ smallest.

    That is the median of (rise - work) / (work |dx|²), weighted with |work| / |dx|. Weights end at three times their
    median: else one structure with the forces of another, which seem to do much work, decides.
    """
    distances = np.maximum(found.distances, _SAME_A)
    products = found.works * distances**2
    weights = np.abs(found.works) / distances
    weights = np.minimum(weights, 3 * np.median(weights)).ravel()
    works = products != 0
    if not weights.any() or not works.any():
        return np.zeros_like(products)
    ratios = np.divide(found.rises - found.works, products, out=np.zeros_like(products), where=works).ravel()
    order = ratios.argsort()
    above = np.cumsum(weights[order])
    return np.asarray(ratios[order][np.searchsorted(above, above[-1] / 2)] * products)


def _scatter(left: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """s |dx|³, (n, 5): s is 1.4826 times the median of |left| / |dx|³ over the pairs at about this distance.

    About: in a window of a tenth of all pairs, 50 at least, by rank. Hot structures are further from each other than
    rattled ones, and what is beyond the third order raises their s.
    """
    cubes = np.maximum(distances, _SAME_A) ** 3
    order = distances.ravel().argsort()
    ratios = (np.abs(left) / cubes).ravel()[order]
    width = min(max(_WINDOW, len(order) // 10), len(order))
    starts = np.unique(np.linspace(0, len(order) - width, 2 * len(order) // width).astype(int))
    medians = [np.median(ratios[start : start + width]) for start in starts]
    scales = np.empty(len(order))
    scales[order] = 1.4826 * np.interp(np.arange(len(order)), starts + width / 2, medians)
    return scales.reshape(distances.shape) * cubes


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
