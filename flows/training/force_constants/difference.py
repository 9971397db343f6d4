"""From a choice among fits to the difference that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flows.training.force_constants.choice import Choice, Tried
from flows.training.force_constants.fit import BASE
from flows.training.force_constants.model import ForceConstants, PairFit
from flows.training.force_constants.renormalization import renormalized

if TYPE_CHECKING:
    from flows.training.force_constants.frames import Frames


def fitted_difference(train: Frames, choice: Choice) -> ForceConstants:
    """The chosen fit, with the errors of all that the labels cannot tell from it, each with what displacements as large as these hide."""
    chosen = choice.chosen
    mean = chosen.posterior.mean
    has_base = int(BASE in chosen.seen.groups)
    slope = float(mean[1]) if has_base else 0.0
    cells = len(train.sites) // len(train.sites.primitive)
    interactions, at = [], 1 + has_base
    for one in chosen.basis.orders:
        interactions.append(one.weighted(mean[at : at + one.count]))
        at += one.count
    acceptable = [one for one, good in zip(choice.tried, choice.acceptable, strict=True) if good]
    return ForceConstants(
        primitive=train.sites.primitive,
        constant_eV=(float(mean[0]) - slope * float(train.base_eV.mean())) / cells,
        slope=slope,
        interactions=tuple(interactions),
        fits=tuple(pair_fit(renormalized(train, one)) for one in acceptable),
    )


def pair_fit(one: Tried) -> PairFit:
    """α (zero and sure where the base does not enter) and the parameters of the pairs."""
    pairs = one.basis.orders[0]
    mine = np.flatnonzero(one.seen.groups == 2)
    base = np.flatnonzero(one.seen.groups == BASE)
    mean, covariance = np.zeros(1 + len(mine)), np.zeros((1 + len(mine),) * 2)
    from_, to = np.concatenate([base, mine]), np.arange(1 - len(base), 1 + len(mine))
    mean[to] = one.posterior.mean[from_]
    covariance[np.ix_(to, to)] = one.posterior.covariance[np.ix_(from_, from_)]
    return PairFit(pairs, mean, covariance)
