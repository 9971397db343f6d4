"""Rattled copies of a structure: Gaussian displacements, the same for ever.

Random numbers come from numpy's legacy `RandomState`, which is frozen: NEP 19 promises its streams for all versions to
come, which the newer generators do not have. They may still differ by rounding (a logarithm from another C library),
so fractional coordinates are put on the grid of 1e-7 on which `Structure.key` looks at them: noise of 1e-16 then
neither moves an atom nor changes a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flows.labelling.sampling.settings import RattleSettings, millionths
from flows.records import Drawn, Structure

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID = 1e7


def rattled(structure: Structure, settings: RattleSettings) -> tuple[Drawn, ...]:
    """`settings.count` rattled copies of `structure`, whose atoms need not stand at rest.

    Displacements are independent and normal, less those of the centre of mass, which stays where it was to 1e-6 Å; of
    N equal atoms the variance is thus σ² (1 - 1/N) along each axis. Positions are not wrapped into the cell. The j-th
    structure of one σ depends on (seed, σ, j) alone: neither on `count` nor on the other σ.

    Raises:
        ValueError: there is only one atom, which cannot move against its centre of mass.
    """
    if len(structure.symbols) < 2:
        raise ValueError("a structure of one atom cannot be rattled: its centre of mass is kept")
    sigmas = settings.displacements_A
    return tuple(
        Drawn(
            structure=_rattled(structure, sigma, [settings.seed, millionths(sigma), turn]),
            method="rattle",
            stratum=sigma,
        )
        for turn, sigma in ((i // len(sigmas), sigmas[i % len(sigmas)]) for i in range(settings.count))
    )


def _rattled(structure: Structure, sigma: float, seed: list[int]) -> Structure:
    atoms = structure.atoms()
    masses = atoms.get_masses()
    moves = np.random.RandomState(seed).standard_normal((len(atoms), 3)) * sigma
    moves -= masses @ moves / masses.sum()
    positions = _on_grid(atoms.get_positions() + moves, np.array(structure.cell))
    return structure.model_copy(update={"positions": tuple(map(tuple, positions.tolist()))})


def _on_grid(positions: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.rint(np.linalg.solve(cell.T, positions.T).T * GRID) / GRID @ cell
