"""Differences by force constants against force constants that are known, finite differences, and symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from lattice_toys import CRYSTALS, TRAINING, base_calculator, supercell_of, toy

from flows.failure import CalculationFailed
from flows.phonons.symmetry import rotations
from flows.training.force_constants.basis import symmetric_cell, symmetry_basis
from flows.training.force_constants.candidates import first_shell
from flows.training.force_constants.model import ForceConstants
from flows.training.force_constants.outcome import fitted_model
from flows.training.force_constants.sites import NoSites, Sites, hermite, symmetric_matrix
from flows.training.potentials import with_force_constants

NAMES = sorted(CRYSTALS)


def fit(one, train=None, test=(), **how):
    settings = {name: how.pop(name) for name in ("cutoffs_A", "orders", "higher_cutoff_A") if name in how}
    task = one.task(range(len(one.frames)) if train is None else train, test, **settings)
    return fitted_model(task, one.labels(**how))


@pytest.mark.parametrize("name", NAMES)
def test_known_force_constants_come_out(name: str) -> None:
    """From energies alone; the frames are shuffled, wrapped and drift."""
    # of all pairs of diamond's symmetric cell, four combinations move nothing in a 2 x 2 x 1 cell
    cutoffs = {2: 3.3} if name == "diamond" else None
    one = toy(name, 400 if name in ("low", "wurtzite") else 80, shuffled=True, cutoffs_A=cutoffs)
    record = fit(one, orders=(2,))
    assert (record.force_constants.beyond > 0) == (name == "diamond")
    found = ForceConstants.of_file(record.blob.content())
    assert found.slope == pytest.approx(one.truth.slope, abs=1e-7)
    atoms = supercell_of(one.primitive, TRAINING[name])
    expected, seen = (with_force_constants(base_calculator(), [model]) for model in (one.truth, found))
    assert np.abs(seen.evaluate(atoms).forces - expected.evaluate(atoms).forces).max() < 1e-6
    assert record.learned
    assert record.errors["valid"].energy_meV_atom < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_phonopy_has_the_same_force_constants(name: str) -> None:
    """phonopy's, by displacements of the fitted potential alone, projected by symfc's other projector: nothing changes."""
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    from flows.training.force_constants.supercell import Supercell

    one = toy(name, 4)
    cell = symmetric_cell(one.primitive, one.sites)
    crystal = one.primitive
    atoms = PhonopyAtoms(numbers=crystal.numbers, cell=crystal.cell.array, scaled_positions=crystal.get_scaled_positions())
    phonopy = Phonopy(atoms, supercell_matrix=cell.matrix.T, primitive_matrix=np.eye(3))
    phonopy.generate_displacements(distance=0.01)

    def forces(displaced) -> np.ndarray:
        found = Atoms(displaced.symbols, positions=displaced.positions, cell=displaced.cell, pbc=True)
        return Supercell.of(one.truth, found).evaluate(found)[1]

    assert len(phonopy.supercell) == len(cell)
    phonopy.forces = [forces(displaced) for displaced in phonopy.supercells_with_displacements]
    phonopy.produce_force_constants()
    before = phonopy.force_constants.copy()
    phonopy.symmetrize_force_constants(show_drift=False, use_symfc_projector=True)
    assert np.abs(before).max() > 0.1
    assert np.abs(phonopy.force_constants - before).max() < 1e-8
    assert np.abs(before.sum(axis=1)).max() < 1e-8  # translation


@pytest.mark.parametrize(
    ("name", "orders"),
    [*((name, (2,)) for name in NAMES), *((name, (2, 3, 4)) for name in ("diamond", "wurtzite", "low")), ("hexagonal", (2, 3))],
)
def test_forces_are_the_derivative_of_the_energy(name: str, orders: tuple[int, ...]) -> None:
    nearest = first_shell(Sites.of_matrix(CRYSTALS[name], np.eye(3)))
    cutoffs = {order: None if order == 2 else nearest for order in orders}
    one = toy(name, 1, cutoffs_A=cutoffs)
    atoms = supercell_of(one.primitive, np.array(TRAINING[name]) * 2 if name == "rocksalt" else TRAINING[name])
    potential = with_force_constants(base_calculator(), [one.truth])
    forces = potential.evaluate(atoms).forces
    rng = np.random.default_rng(3)
    for atom in rng.choice(len(atoms), 3, replace=False):
        direction, step = rng.normal(size=3), 1e-4
        energies = []
        for sign in (-1, 1):
            moved = atoms.copy()
            moved.positions[atom] += sign * step * direction
            energies.append(potential.evaluate(moved, forces=False).energy)
        assert forces[atom] @ direction == pytest.approx(-(energies[1] - energies[0]) / (2 * step), abs=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_moved_wrapped_and_permuted_atoms_are_the_same(name: str) -> None:
    one = toy(name, 1)
    atoms = supercell_of(one.primitive, TRAINING[name])
    expected = with_force_constants(base_calculator(), [one.truth]).evaluate(atoms)
    order = np.random.default_rng(1).permutation(len(atoms))
    other = atoms[order]
    other.positions += (1.3, -7.1, 0.4)
    other.wrap()
    found = with_force_constants(base_calculator(), [one.truth]).evaluate(other)
    assert found.energy == pytest.approx(expected.energy, abs=1e-9)
    assert np.abs(found.forces - expected.forces[order]).max() < 1e-9


def test_one_object_follows_atoms_that_drift_and_wrap() -> None:
    one = toy("rocksalt", 1)
    atoms = supercell_of(one.primitive, np.array(TRAINING["rocksalt"]) * 2)
    potential = with_force_constants(base_calculator(), [one.truth])
    expected = potential.evaluate(atoms)
    for _ in range(20):
        atoms.positions += (0.9, 0.5, -0.4)
        atoms.wrap()
        assert potential.evaluate(atoms).energy == pytest.approx(expected.energy, abs=1e-8)


def test_a_larger_cell_is_many_smaller_ones() -> None:
    """Energies of a repeated frame repeat, where every pair is nearer than half of the cell."""
    one = toy("rocksalt", 1, cutoffs_A={2: 2.4})
    atoms = supercell_of(one.primitive, TRAINING["rocksalt"])
    potential = with_force_constants(base_calculator(), [one.truth])
    single, eight = potential.evaluate(atoms), potential.evaluate(atoms.repeat(2))
    assert eight.energy == pytest.approx(8 * single.energy, abs=1e-8)
    assert np.abs(eight.forces - np.tile(single.forces, (8, 1))).max() < 1e-8


def test_forces_of_both_levels_determine_more() -> None:
    one = toy("low", 12, cutoffs_A={2: 2.6})
    with pytest.raises(CalculationFailed, match="12 structures for"):
        fit(one, orders=(2,), cutoffs_A=(2.6,))
    forces = fit(one, orders=(2,), cutoffs_A=(2.6,), forces=True)
    assert forces.force_constants.with_forces
    found = ForceConstants.of_file(forces.blob.content())
    assert found.slope == pytest.approx(one.truth.slope, abs=1e-6)


def test_higher_orders_are_found_where_they_are() -> None:
    cutoffs = {2: 2.0, 3: 1.6, 4: 1.6}
    one = toy("diamond", 120, amplitude_A=0.08, cutoffs_A=cutoffs)
    record = fit(one)
    assert set(record.force_constants.tried[0].cutoffs_A) == {"2", "3", "4"}
    assert record.errors["valid"].energy_meV_atom < 1e-2
    harmonic = toy("diamond", 120, amplitude_A=0.02, cutoffs_A={2: 2.0})
    smallest = fit(harmonic, noise_eV=1e-3).force_constants
    assert any(one.acceptable and one.parameters == 2 for one in smallest.tried)


class TestWhatCannotBeFitted:
    def test_too_few_labels(self) -> None:
        one = toy("low", 4)
        with pytest.raises(CalculationFailed, match=r"label \d+ or more"):
            fit(one)

    def test_an_atom_that_left_its_site_is_named(self) -> None:
        one = toy("diamond", 40)
        one.frames[7].positions[3] += (0.9, 0.0, 0.0)
        record = fit(one)
        (left,) = record.force_constants.left_out
        assert left.structure_key == "s7"
        assert "atom 3 is 0.8" in left.reason
        assert record.train_count == 39

    def test_another_crystal(self) -> None:
        one = toy("diamond", 20)
        for atoms in one.frames:
            atoms.set_cell(1.1 * atoms.cell.array, scale_atoms=True)
        with pytest.raises(CalculationFailed, match="whole primitive cells"):
            fit(one)

    def test_stress_is_refused(self) -> None:
        one = toy("diamond", 1)
        atoms = supercell_of(one.primitive, TRAINING["diamond"])
        atoms.calc = with_force_constants(base_calculator(), [one.truth])
        with pytest.raises(NotImplementedError, match="no stress"):
            atoms.get_stress()

    def test_atoms_that_leave_their_sites_later(self) -> None:
        one = toy("diamond", 1)
        atoms = supercell_of(one.primitive, TRAINING["diamond"])
        potential = with_force_constants(base_calculator(), [one.truth])
        potential.evaluate(atoms)
        atoms.positions[0] += (0.8, 0, 0)
        with pytest.raises(NoSites, match="from its site"):
            potential.evaluate(atoms)


class TestCells:
    def test_the_smallest_symmetric_cell(self) -> None:
        """Of diamond's 2 x 2 x 1 cubes it is 2 x 2 x 2; one that is symmetric stays."""
        primitive = CRYSTALS["diamond"]
        found = symmetric_matrix(TRAINING["diamond"], rotations(primitive))
        assert round(abs(np.linalg.det(found))) == 32
        cube = [[-1, 1, 1], [1, -1, 1], [1, 1, -1]]
        assert np.array_equal(symmetric_matrix(cube, rotations(primitive)), cube)

    @pytest.mark.parametrize("name", NAMES)
    def test_it_is_made_of_training_cells_and_stays_under_all_rotations(self, name: str) -> None:
        matrix = np.array(TRAINING[name])
        found = symmetric_matrix(matrix, rotations(CRYSTALS[name]))
        whole = found @ np.linalg.inv(matrix)
        assert np.abs(whole - np.rint(whole)).max() < 1e-9
        for rotation in rotations(CRYSTALS[name]):
            assert np.array_equal(hermite(found @ rotation.T), hermite(found))

    @pytest.mark.parametrize("name", NAMES)
    def test_every_site_once(self, name: str) -> None:
        sites = Sites.of_matrix(CRYSTALS[name], TRAINING[name])
        assert len(sites) == len(CRYSTALS[name]) * round(abs(np.linalg.det(TRAINING[name])))
        assert np.array_equal(sites.index(sites.basis, sites.translations), np.arange(len(sites)))
        shifted = sites.translations + np.array([3, -2, 5]) @ sites.matrix
        assert np.array_equal(sites.index(sites.basis, shifted), np.arange(len(sites)))

    def test_counts_of_the_paper_cell(self) -> None:
        """10 parameters up to 3.2 Å and 25 in all, 3 and 4 of the orders above: differences of diamond, measured apart."""
        cell = symmetric_cell(CRYSTALS["diamond"], Sites.of_matrix(CRYSTALS["diamond"], TRAINING["diamond"]))
        assert symmetry_basis(cell, {2: 3.2, 3: 1.6, 4: 1.6}).counts == {2: 10, 3: 3, 4: 4}
        assert symmetry_basis(cell, {2: None}).counts == {2: 25}
