"""Energies along a mode are those of a smooth curve: what a difference of two levels is learned from."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from flows.labelling.engines.protocol import Computed
from flows.labelling.engines.pyscf.settings import PySCFSettings


@pytest.mark.slow
def test_hartree_fock_of_lithium_hydride_by_mixed_density_fitting() -> None:
    """Along the optical mode at Γ, E = a u² + b u⁴: a of two pairs of amplitudes is the same to 2 %, as with DFT."""
    crystal = bulk("LiH", "rocksalt", a=4.017, cubic=True)
    settings = PySCFSettings(basis="gth-szv", density_fitting="mdf", functional="lda")
    energies = []
    for u in (0.0, 0.025, 0.05, 0.1):
        moved = crystal.copy()
        moved.positions[moved.numbers == 1, 0] += u
        ((_, found),) = settings.compute(moved, {"hf": False})
        assert isinstance(found, Computed)
        energies.append(1e3 * found.energy_eV)
    above = np.array(energies[1:]) - energies[0]
    u = np.array([0.025, 0.05, 0.1])

    def quadratic(pair: list[int]) -> float:
        return float(np.linalg.solve(np.stack([u[pair] ** 2, u[pair] ** 4], axis=1), above[pair])[0])

    assert quadratic([0, 1]) == pytest.approx(quadratic([1, 2]), rel=0.02)
