"""The modes beside an MD of our own potentials against the whole Hessian of its cell, by finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from dynamics_toys import BIG, LIH, Harmonic, spring_matrix
from sources import module_at
from test_dynamics_mace import untrained

from flows.phonons.cells import supercell_matrix
from flows.phonons.harmonic import calculator_forces, harmonic_crystal

REACH = 4.1  # beyond the conventional cell
STIFFER = 400.0


@pytest.fixture(scope="module")
def hessian():
    return module_at("benchmarks/hessian.py")


def rms(values) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def test_translations_make_the_whole_matrix(hessian):
    """Against the springs themselves, which know of no displacement."""
    big = BIG.repeat(2)
    springs = spring_matrix(big, REACH)
    found = hessian.whole_hessian(big, LIH.cell.array, calculator_forces(Harmonic(big, springs)))
    assert found == pytest.approx(springs, abs=1e-6)


def test_a_cell_that_is_not_whole_is_refused(hessian):
    broken = BIG.copy()
    del broken[0]
    with pytest.raises(ValueError, match="not made of whole primitive cells"):
        hessian.whole_hessian(broken, LIH.cell.array, lambda atoms: np.zeros((len(atoms), 3)))


def test_networks_have_the_modes_of_the_whole_cell(hessian):
    """64 atoms and a network of random weights, as stiff as a crystal; it reaches further than a small cell."""
    from flows.training.potentials import MacePotential

    soft = calculator_forces(MacePotential(untrained(1), device="cpu"))

    def forces(atoms):
        return STIFFER * soft(atoms)

    big = BIG.repeat(2)
    supercell = supercell_matrix(LIH, big.cell.array)
    expected = hessian.whole_modes_cm1(big, hessian.whole_hessian(big, LIH.cell.array, forces))

    def off(of):
        return rms(hessian.commensurate_modes_cm1(harmonic_crystal(LIH, of, forces).yaml(), supercell) - expected)

    assert expected.max() > 800
    assert off(supercell) < 0.1
    assert off(np.eye(3, dtype=int)) > 10
