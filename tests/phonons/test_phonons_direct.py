"""Phonons of a level itself: from its labels, and by frozen displacements; each against a second method."""

from __future__ import annotations

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential

from flows.failure import CalculationFailed
from flows.phonons.cells import primitive
from flows.phonons.direct import displaced_supercells, label_forces
from flows.phonons.frozen import check_frozen, frozen_phonon, frozen_structures
from flows.phonons.harmonic import calculator_forces, harmonic_crystal
from flows.records import Label, Structure

SUPERCELL = np.diag([2, 2, 2])


def copper() -> Structure:
    return Structure.from_atoms(primitive(bulk("Cu", cubic=True, a=3.6)))


def labelled(structure: Structure) -> Label:
    atoms = structure.atoms()
    atoms.calc = EMT()
    key = structure.key()
    return Label(
        key=key,
        structure_key=key,
        structure=structure,
        level="dft",
        energy_eV=atoms.get_potential_energy(),
        forces_eV_A=atoms.get_forces().tolist(),
        engine="emt",
    )


def test_labels_give_the_phonons_that_their_calculator_gives():
    cell = copper()
    forces = label_forces(labelled(one) for one in displaced_supercells(cell, SUPERCELL, 0.01))
    qpoints = [[0, 0, 0], [0.5, 0, 0.5], [0.5, 0.5, 0.5], [0.1, 0.2, 0.3]]
    ours = harmonic_crystal(cell.atoms(), SUPERCELL, forces).frequencies_cm1(qpoints)
    theirs = harmonic_crystal(cell.atoms(), SUPERCELL, calculator_forces(EMT())).frequencies_cm1(qpoints)
    assert ours == pytest.approx(theirs, abs=1e-3)


def test_a_missing_label_is_named_as_such():
    cell = copper()
    with pytest.raises(CalculationFailed, match="has no label with forces"):
        harmonic_crystal(cell.atoms(), SUPERCELL, label_forces([]))


@pytest.mark.parametrize(("symbols", "prototype"), [("C", "diamond"), ("LiH", "rocksalt"), ("CsCl", "cesiumchloride")])
def test_one_sublattice_moves_against_the_other(symbols, prototype):
    conventional = bulk(symbols, prototype, a=4.0, cubic=True)
    small, big = Structure.from_atoms(primitive(conventional)), Structure.from_atoms(conventional * (2, 1, 1))
    rest, moved = frozen_structures(small, big, (0.05,))
    shift = np.array(moved.positions) - np.array(rest.positions)
    assert rest == big
    assert np.count_nonzero(shift[:, 0]) == len(big.symbols) // 2
    assert set(shift[:, 0].round(12)) == {0.0, 0.05}
    assert not shift[:, 1:].any()
    if symbols != "C":
        assert len({symbol for symbol, (x, _, _) in zip(big.symbols, shift, strict=True) if x}) == 1


def test_the_frozen_phonon_is_the_optical_mode_of_the_force_constants():
    """Rocksalt with Morse bonds between neighbours, at rest: Γ by displaced energies, and by phonopy's forces."""
    calculator = MorsePotential(epsilon=0.8, r0=2.0, rho0=3.0, rcut1=2.4, rcut2=2.7)
    conventional = bulk("LiH", "rocksalt", a=4.0, cubic=True)
    cell, supercell = primitive(conventional), conventional.copy()
    energies, displacements = [], (0.01, 0.02)
    for structure in frozen_structures(Structure.from_atoms(cell), Structure.from_atoms(supercell), displacements):
        atoms = structure.atoms()
        atoms.calc = calculator
        energies.append(atoms.get_potential_energy() / (len(atoms) / 2))
    found = frozen_phonon((0.0, *displacements), energies, cell.get_masses())
    crystal = harmonic_crystal(cell, SUPERCELL, calculator_forces(calculator))
    assert found.frequency_cm1 == pytest.approx(crystal.frequencies_cm1([[0, 0, 0]])[0][3:].mean(), rel=2e-3)


def test_a_known_spring_constant_gives_its_frequency():
    """ω² = k / μ, in SI units."""
    k, mass, u = 10.0, 12.011, np.array([0.0, 0.04, 0.08])
    omega = np.sqrt(k * units._e / 1e-20 / (mass / 2 * units._amu))
    found = frozen_phonon(u, 0.5 * k * u**2 + 3.0 * u**4, (mass, mass))
    assert found.frequency_cm1 == pytest.approx(omega / (2 * np.pi * units._c * 100), rel=1e-9)
    assert found.quartic_eV_A4 == pytest.approx(3.0)


def test_a_maximum_is_an_imaginary_frequency():
    u = np.array([0.0, 0.1, 0.2])
    assert frozen_phonon(u, -(u**2), (1.0, 1.0)).frequency_cm1 < 0


@pytest.mark.parametrize("atoms", [bulk("Cu", cubic=True), bulk("Mg", "hcp", a=3.2, c=5.2)], ids=["one atom", "hcp"])
def test_where_symmetry_does_not_fix_the_mode_there_is_none(atoms):
    with pytest.raises(ValueError, match="cubic crystal with two atoms"):
        check_frozen(Structure.from_atoms(primitive(atoms)))
