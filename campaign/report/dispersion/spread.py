"""The interval over the training seeds: of every band at every q-point, and of the density of states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from campaign.report.dispersion.payload import DosArea, Rows
from flows.records import Bands, DensityOfStates


def band_spread(seeds: Sequence[Bands]) -> tuple[tuple[Rows, ...], tuple[Rows, ...]]:
    """Smallest and largest frequency over the seeds, bands sorted, per segment.

    Raises:
        ValueError: the seeds lie on different paths.
    """
    if any(one.qpoints != seeds[0].qpoints for one in seeds):
        raise ValueError(
            "the phonons of these seeds lie on different band paths; compute the older ones again"
        )
    blocks = [_over_seeds(seeds, segment) for segment in range(len(seeds[0].qpoints))]
    return tuple(rows(one.min(axis=0)) for one in blocks), tuple(rows(one.max(axis=0)) for one in blocks)


def band_mean(seeds: Sequence[Bands]) -> tuple[Rows, ...]:
    """The mean over the seeds, bands sorted, per segment."""
    return tuple(rows(_over_seeds(seeds, segment).mean(axis=0)) for segment in range(len(seeds[0].qpoints)))


def dos_spread(seeds: Sequence[DensityOfStates]) -> DosArea:
    """Smallest and largest density over the seeds, on the grid of all of them; a density is zero off its own grid."""
    grid, values = _on_one_grid(seeds)
    return DosArea(frequencies_cm1=_row(grid), low=_row(values.min(axis=0)), high=_row(values.max(axis=0)))


def dos_mean(seeds: Sequence[DensityOfStates]) -> DensityOfStates:
    """The mean density over the seeds."""
    grid, values = _on_one_grid(seeds)
    return DensityOfStates(frequencies_cm1=_row(grid), total=_row(values.mean(axis=0)), mesh=seeds[0].mesh)


def rows(block: NDArray[np.float64]) -> Rows:
    """As plain numbers; 1e-4 cm^-1 is far below what a picture shows, and keeps files small."""
    return tuple(tuple(row) for row in (np.round(block, 4) + 0.0).tolist())


def _over_seeds(seeds: Sequence[Bands], segment: int) -> NDArray[np.float64]:
    """(seeds, q-points, bands)."""
    return np.sort(np.array([one.frequencies_cm1[segment] for one in seeds]), axis=-1)


def _on_one_grid(seeds: Sequence[DensityOfStates]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Grids of one pitch differ in their ends only: (frequencies, (seeds, frequencies))."""
    own = [np.asarray(one.frequencies_cm1, dtype=float) for one in seeds]
    grid = np.unique(np.concatenate(own).round(6))
    values = [
        np.interp(grid, f, one.total, left=0.0, right=0.0) if len(f) else 0 * grid
        for f, one in zip(own, seeds, strict=True)
    ]
    return grid, np.array(values)


def _row(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple((np.round(values, 9) + 0.0).tolist())
