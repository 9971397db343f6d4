"""Runs whose cell moves, in programs of plane waves: only the first cell has the basis that its cutoff says.

The plane waves are those of the first cell and stay so (VASP manual, ISIF and Pulay stress; pw.x, vc-relax): the energy of a
later cell is of another cutoff, and not comparable to others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from flows.labelling.header import FrameError
from flows.labelling.published.step import Step

_MOVED_A = 1e-5  # above what the last printed digit may be


def of_one_basis(steps: Iterable[Step | FrameError], first: np.ndarray | None = None) -> Iterator[Step | FrameError]:
    """The steps of one run; those whose cell is not that of the first are errors. `first` (3, 3) is the first cell, where it is
    known without its step, which may be of no use."""
    for step in steps:
        if isinstance(step, Step):
            first = step.cell if first is None else first
            off = float(np.abs(step.cell - first).max())
            if off > _MOVED_A:
                yield FrameError(
                    f"its cell moved by {off:.3g} Å during the run, whose plane waves are those of its first cell: "
                    "compute it once more by itself"
                )
                continue
        yield step
