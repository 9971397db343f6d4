"""Which force constants are tried: pairs up to several shells of neighbours, with and without higher orders at short range."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.training.force_constants.basis import farthest, is_affordable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flows.training.force_constants.settings import ForceConstantSettings
    from flows.training.force_constants.sites import Sites

Cutoffs = dict[int, float | None]

MOST_PAIRS = 6
_GAP_A = 0.1  # between two shells, at least


def candidates(cell: Sites, settings: ForceConstantSettings) -> Iterator[Cutoffs]:
    """The cutoffs in Å of each order, smaller models first; None: all pairs that the cell tells apart."""
    pairs: tuple[float | None, ...] = settings.cutoffs_A or (*shell_ends(cell)[:MOST_PAIRS], None)
    nearest = settings.higher_cutoff_A or first_shell(cell)
    affordable = (order for order in settings.orders if order > 2 and is_affordable(cell.primitive, order, nearest))
    higher: Cutoffs = dict.fromkeys(affordable, nearest)
    for pair in pairs:
        yield {2: pair}
        if higher:
            yield {2: pair, **higher}


def shell_ends(cell: Sites) -> list[float]:
    """Between every two shells of neighbours, as far as pairs of the cell reach; of the first at least."""
    reach = farthest(cell)
    lengths = _lengths(cell.primitive, max(reach + 0.5 * cell.nearest_A, 2.2 * cell.nearest_A))
    starts = np.flatnonzero(np.diff(lengths) > _GAP_A)
    ends = [float(0.5 * (lengths[at] + lengths[at + 1])) for at in starts]
    return [end for end in ends if end < reach] or ends[:1]


def first_shell(cell: Sites) -> float:
    """A cutoff in Å that holds nearest neighbours alone: as short as that can be, for the cells that higher orders need."""
    lengths = _lengths(cell.primitive, 2.2 * cell.nearest_A)
    return float(lengths[np.flatnonzero(np.diff(lengths) > _GAP_A)[0]]) + 0.5 * _GAP_A


def _lengths(primitive: Any, reach_A: float) -> NDArray:
    from matscipy.neighbours import neighbour_list

    return np.sort(neighbour_list("d", primitive, float(reach_A)))
