"""Which of the fits that were tried is taken, and which others the labels cannot tell from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flows.training.force_constants.basis import SymmetryBasis, symmetry_basis
from flows.training.force_constants.candidates import candidates
from flows.training.force_constants.fit import Observations, Posterior, fitted

if TYPE_CHECKING:
    from flows.training.force_constants.frames import Frames
    from flows.training.force_constants.settings import ForceConstantSettings
    from flows.training.force_constants.sites import Sites

LEFT_FREE = 0.8
"""Of the energies, the part that may be parameters: an energy for each leaves nothing that could contradict them."""


class Undetermined(ValueError):
    """Too few labels for the smallest model; the message says how many would do."""


@dataclass(frozen=True, eq=False)
class Tried:
    """One set of cutoffs and its fit."""

    basis: SymmetryBasis
    seen: Observations
    posterior: Posterior

    @property
    def cutoffs_A(self) -> Mapping[int, float | None]:
        return self.basis.cutoffs_A

    @property
    def parameters(self) -> int:
        """How many force constants are free."""
        return sum(self.basis.counts.values())


@dataclass(frozen=True, eq=False)
class Choice:
    """All that was `tried`, the chosen one first, and which of them are `acceptable`."""

    tried: tuple[Tried, ...]
    acceptable: tuple[bool, ...]
    beyond: int  # candidates that the labels cannot determine

    @property
    def chosen(self) -> Tried:
        return self.tried[0]


def choose(frames: Frames, cell: Sites, settings: ForceConstantSettings) -> Choice:
    """Fit every candidate that the labels determine; take the one that predicts what it has not seen best.

    A small training cell holds few wave vectors: force constants that no frame of it feels are left out, and not guessed.

    The measure is the sum over the frames of the logarithm of their predictive density, each left out in turn
    (A. Vehtari, A. Gelman, J. Gabry, Stat. Comput. 27, 1413 (2017)). A candidate is acceptable if what it lacks to the best
    is no more than the standard error of that difference.

    Raises:
        Undetermined: there is none.
    """
    tried, beyond = [], 0
    for basis in _bases(cell, settings):
        if not frames.with_forces and _columns(basis, settings) > LEFT_FREE * len(frames.keys):
            beyond += 1
            continue
        seen = frames.observations(basis, settings.base)
        if not seen.determine_all():
            beyond += 1
            continue
        tried.append(Tried(basis, seen, fitted(seen)))
    if not tried:
        raise Undetermined(
            f"{len(frames.keys)} structures for {fewest_parameters(cell, settings)} parameters in the smallest model: label "
            f"{fewest_labels(cell, settings)} or more, or give a smaller cutoff in force_constants.cutoffs_A, or a larger training cell"
        )
    return _ranked(tried, beyond)


def fewest_parameters(cell: Sites, settings: ForceConstantSettings) -> int:
    """Of the smallest model, with the constant and the multiple of the base."""
    return min(_columns(basis, settings) for basis in _bases(cell, settings))


def fewest_labels(cell: Sites, settings: ForceConstantSettings) -> int:
    """How many energies the smallest model needs."""
    return int(np.ceil(fewest_parameters(cell, settings) / LEFT_FREE))


def _bases(cell: Sites, settings: ForceConstantSettings) -> Iterator[SymmetryBasis]:
    return (symmetry_basis(cell, cutoffs) for cutoffs in candidates(cell, settings))


def _columns(basis: SymmetryBasis, settings: ForceConstantSettings) -> int:
    return sum(basis.counts.values()) + 1 + settings.base


def _ranked(tried: Sequence[Tried], beyond: int) -> Choice:
    densities = [one.posterior.predictive(one.seen) for one in tried]
    order = sorted(range(len(tried)), key=lambda at: -float(densities[at].sum()))
    best = densities[order[0]]
    lacks = [best - densities[at] for at in order]
    acceptable = [float(one.sum()) <= float(np.sqrt(len(one)) * one.std()) for one in lacks]
    return Choice(tuple(tried[at] for at in order), (True, *acceptable[1:]), beyond)
