"""Whether one of a few values lies apart from the others: Dixon's Q test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# two-sided, 95 %, of 3 to 10 values: D. B. Rorabacher, Anal. Chem. 63, 139 (1991), table I, r10
_CRITICAL = (0.970, 0.829, 0.710, 0.625, 0.568, 0.526, 0.493, 0.466)
FEWEST = 3


class Outlier(NamedTuple):
    """Which of the values it is, and how far it is from the next."""

    number: int
    gap: float


def outlier(values: Sequence[float], least_gap: float = 0.0) -> Outlier | None:
    """The value that is an outlier by the Q test at 95 %, and at least `least_gap` from the next; None: none is.

    Of more than ten values the limit is that for ten, which is the stricter one. Of fewer than three it cannot be said.
    """
    if len(values) < FEWEST:
        return None
    order = sorted(range(len(values)), key=values.__getitem__)
    ends = ((order[0], order[1]), (order[-1], order[-2]))
    end, gap = max(((end, abs(values[end] - values[beside])) for end, beside in ends), key=lambda one: one[1])
    extent = values[order[-1]] - values[order[0]]
    critical = _CRITICAL[min(len(values) - FEWEST, len(_CRITICAL) - 1)]
    return Outlier(end, gap) if gap >= least_gap and gap > critical * extent else None
