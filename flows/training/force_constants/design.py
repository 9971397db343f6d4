"""Which structures to label: those that leave the least open of the force constants, or those least like one another.

Structures alone decide, before any label is there: the rows of a fit but for the multiple of the base, whose energies are
nearly a combination of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from flows.training.force_constants.basis import symmetric_cell, symmetry_basis
from flows.training.force_constants.candidates import shell_ends
from flows.training.force_constants.sites import placed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flows.records import Structure

How = Literal["informative", "farthest"]

SHELLS = 3
"""Of neighbours: what the differences of two levels reach, by the paper's labels of diamond."""

_RIDGE = 1e-6


def order(primitive: Structure, structures: Sequence[Structure], how: How) -> tuple[int, ...]:
    """All `structures` by number, the one that helps most first: the first n are the choice of n.

    `informative`: greedy D-optimal design (each next structure has the largest variance of prediction by those before it).
    `farthest`: each next is farthest from all before it, in the same scaled features. Structures that are not near the sites
    of the crystal come last, in their own order.
    """
    return _order(primitive, tuple(structures), how)


@lru_cache(maxsize=32)  # a plan is made again and again; structures are frozen
def _order(primitive: Structure, structures: tuple[Structure, ...], how: How) -> tuple[int, ...]:
    rows, near = features(primitive, structures)
    chosen = informative(rows) if how == "informative" else farthest(rows)
    known = set(near)
    far = [number for number in range(len(structures)) if number not in known]
    return (*(near[one] for one in chosen), *far)


def features(primitive: Structure, structures: Sequence[Structure]) -> tuple[NDArray, list[int]]:
    """(n, 1 + P): a constant and the energies of each pair parameter at 1, columns scaled; and which structures they are of."""
    crystal = primitive.atoms()
    sites, places = placed(crystal, (structure.atoms() for structure in structures))
    near = [number for number, place in enumerate(places) if not isinstance(place, str)]
    if sites is None or not near:
        return np.zeros((0, 1)), []
    found = [place[0] for place in places if not isinstance(place, str)]
    cell = symmetric_cell(crystal, sites)
    ends = shell_ends(cell)[:SHELLS]
    (pairs,) = symmetry_basis(cell, {2: ends[-1]}).orders
    rows = np.concatenate([np.ones((len(found), 1)), pairs.energies(np.array(found), sites)], axis=1)
    size = np.sqrt((rows**2).mean(axis=0))
    return rows / np.where(size > 0, size, 1.0), near


def informative(rows: NDArray) -> list[int]:
    """The greedy D-optimal order of `rows` (n, P); ties go to the first."""
    left = list(range(len(rows)))
    covariance = np.eye(rows.shape[1]) / _RIDGE
    chosen = []
    while left:
        variances = np.einsum("np,pq,nq->n", rows[left], covariance, rows[left])
        best = left.pop(_first_largest(variances))
        chosen.append(best)
        along = covariance @ rows[best]
        covariance = covariance - np.outer(along, along) / (1 + rows[best] @ along)
    return chosen


def farthest(rows: NDArray) -> list[int]:
    """The greedy farthest-point order of `rows` (n, P): from the one next to their mean on."""
    left = list(range(len(rows)))
    if not left:
        return []
    distances = np.linalg.norm(rows - rows.mean(axis=0), axis=1)
    chosen = [left.pop(int(distances.argmin()))]
    nearest = np.linalg.norm(rows - rows[chosen[0]], axis=1)
    while left:
        best = left.pop(_first_largest(nearest[left]))
        chosen.append(best)
        nearest = np.minimum(nearest, np.linalg.norm(rows - rows[best], axis=1))
    return chosen


def _first_largest(values: NDArray) -> int:
    """Equal within rounding, the first: every machine chooses the same."""
    return int(np.flatnonzero(values >= values.max() * (1 - 1e-9))[0])
