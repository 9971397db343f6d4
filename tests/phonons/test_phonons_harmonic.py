"""Harmonic crystals against lattice sums done by hand, against ASE's own phonons, and against symmetry."""

import itertools

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell
from ase.calculators.emt import EMT
from ase.neighborlist import neighbor_list
from ase.units import _amu, _c, _e, _hplanck

from flows.failure import CalculationFailed
from flows.phonons.harmonic import calculator_forces, harmonic_crystal, load_phonopy
from flows.phonons.path import band_path

TO_CM1 = np.sqrt(_e / _amu) * 1e10 / (2 * np.pi * _c * 100)  # from sqrt(eV/Å²/u)
TO_CM1_FROM_EV = _e / (_hplanck * _c * 100)
RANDOM_Q = np.random.default_rng(7).uniform(-1, 1, (6, 3))
SKEW = np.array([[1, 0, 0], [1, 1, 0], [-1, 2, 1]])


class Springs:
    """Springs to the neighbours within `reach`: `along` the bond, `across` it; linear, so exactly harmonic."""

    def __init__(self, crystal: Atoms, reach: float, along: float, across: float) -> None:
        self.crystal, self.reach, self.along, self.across = crystal, reach, along, across

    def _bonds(self, atoms: Atoms):
        i, j, vectors, shifts = neighbor_list("ijDS", atoms, self.reach)
        units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
        outer = units[:, :, None] * units[:, None, :]
        return i, j, shifts, self.along * outer + self.across * (np.eye(3) - outer)

    def __call__(self, atoms: Atoms) -> np.ndarray:
        ideal = self.ideal_sites(atoms)
        u = atoms.positions - ideal.positions
        i, j, _, springs = self._bonds(ideal)
        forces = np.zeros_like(u)
        np.add.at(forces, i, np.einsum("bxy,by->bx", springs, u[j] - u[i]))
        return forces

    def ideal_sites(self, atoms: Atoms) -> Atoms:
        """The nearest site of the crystal for each atom."""
        inverse = np.linalg.inv(self.crystal.cell.array)
        ideal = atoms.copy()
        for n, (number, position) in enumerate(zip(atoms.numbers, atoms.positions, strict=True)):
            sites = self.crystal.positions[self.crystal.numbers == number]
            away = (position - sites) @ inverse
            away -= np.rint(away)
            nearest = np.argmin(np.linalg.norm(away @ self.crystal.cell.array, axis=1))
            ideal.positions[n] -= away[nearest] @ self.crystal.cell.array
        return ideal

    def frequencies_cm1(self, q) -> np.ndarray:
        """From the sum over bonds of the primitive cell, in an independent way: no supercell, no phonopy."""
        i, j, shifts, springs = self._bonds(self.crystal)
        n, m = len(self.crystal), self.crystal.get_masses()
        d = np.zeros((n, n, 3, 3), dtype=complex)
        for a, b, shift, spring in zip(i, j, shifts, springs, strict=True):
            d[a, a] += spring / m[a]
            d[a, b] -= spring * np.exp(2j * np.pi * np.dot(q, shift)) / np.sqrt(m[a] * m[b])
        squares = np.linalg.eigvalsh(d.transpose(0, 2, 1, 3).reshape(3 * n, 3 * n))
        return np.sign(squares) * np.sqrt(np.abs(squares)) * TO_CM1


def diamond() -> Atoms:
    return bulk("C", "diamond", a=3.56)


def springs_of(crystal: Atoms, bond: float, across: float = 1.3) -> Springs:
    return Springs(crystal, 1.02 * bond, 9.0, across)


CRYSTALS = {
    "diamond": (springs_of(diamond(), 3.56 * np.sqrt(3) / 4), 4 * np.eye(3, dtype=int)),
    "rocksalt": (springs_of(bulk("LiH", "rocksalt", a=4.0), 2.0), 3 * np.eye(3, dtype=int)),
    "skew fcc": (
        springs_of(make_supercell(bulk("Al", a=4.0), SKEW), 4 / np.sqrt(2)),
        4 * np.eye(3, dtype=int),
    ),
    "hcp, sheared supercell": (
        springs_of(bulk("Mg", "hcp", a=3.2, c=5.2), 3.2),
        np.array([[3, 0, 0], [1, 4, 0], [0, 0, 3]]),
    ),
}


@pytest.mark.parametrize(("springs", "supercell"), CRYSTALS.values(), ids=CRYSTALS)
def test_frequencies_are_those_of_the_lattice_sum(springs, supercell):
    crystal = harmonic_crystal(springs.crystal, supercell, springs)
    expected = [springs.frequencies_cm1(q) for q in RANDOM_Q]
    assert crystal.frequencies_cm1(RANDOM_Q) == pytest.approx(np.array(expected), rel=1e-6)
    assert crystal.sum_rule_eV_A2 < 1e-9
    assert crystal.residual_force_eV_A < 1e-12


def test_a_simple_cubic_crystal_has_the_textbook_dispersion():
    """ω² = 4/m [K sin²(q_x a/2) + k (sin²(q_y a/2) + sin²(q_z a/2))] for the mode along x."""
    atoms = bulk("Po", "sc", a=3.3)
    crystal = harmonic_crystal(atoms, 3 * np.eye(3, dtype=int), Springs(atoms, 3.4, 2.0, 0.5))
    s = np.sin(np.pi * RANDOM_Q) ** 2
    squares = 4 / atoms.get_masses()[0] * (1.5 * s + 0.5 * s.sum(axis=1)[:, None])
    assert crystal.frequencies_cm1(RANDOM_Q) == pytest.approx(np.sort(np.sqrt(squares)) * TO_CM1, rel=1e-6)


def test_a_chain_has_the_textbook_dispersion():
    """Springs along x alone: ω = 2 sqrt(K/m) |sin(qa/2)|, and nothing across."""
    atoms = Atoms("Ne", cell=[2.0, 9.0, 9.0], pbc=True)
    chain = harmonic_crystal(atoms, np.diag([6, 1, 1]), Springs(atoms, 2.1, 3.0, 0.0))
    q = np.linspace(0.05, 0.5, 7)
    frequencies = chain.frequencies_cm1(np.stack([q, 0 * q, 0 * q], axis=1))
    expected = 2 * np.sqrt(3.0 / atoms.get_masses()[0]) * np.sin(np.pi * q) * TO_CM1
    assert frequencies[:, 2] == pytest.approx(expected, rel=1e-6)
    assert np.abs(frequencies[:, :2]).max() < 1e-3


def test_symmetry_of_diamond():
    springs, supercell = CRYSTALS["diamond"]
    points = band_path(springs.crystal).points
    crystal = harmonic_crystal(springs.crystal, supercell, springs)
    gamma, x, l_ = crystal.frequencies_cm1([points["Γ"], points["X"], points["L"]])
    assert np.abs(gamma[:3]).max() < 1e-3
    assert np.ptp(gamma[3:]) < 1e-6
    assert x[0] == pytest.approx(x[1], abs=1e-6)
    assert min(abs(a - b) for a, b in itertools.combinations(x[[0, 2, 4]], 2)) > 1  # three distinct pairs
    assert (x[2] - x[3], x[4] - x[5]) == pytest.approx((0, 0), abs=1e-6)  # one of them LA = LO
    assert sum(abs(b - a) < 1e-6 for a, b in itertools.pairwise(l_)) == 2  # TA and TO


def test_x_and_l_do_not_depend_on_orientation_or_choice_of_vectors():
    plain = springs_of(diamond(), 3.56 * np.sqrt(3) / 4)
    expected = {
        label: plain.frequencies_cm1(q) for label, q in {"X": (0.5, 0, 0.5), "L": (0.5, 0, 0)}.items()
    }
    turned = make_supercell(diamond(), SKEW)
    turned.rotate(50, (3, 1, 2), rotate_cell=True)
    springs = springs_of(turned, 3.56 * np.sqrt(3) / 4)
    crystal = harmonic_crystal(turned, 4 * np.eye(3, dtype=int), springs)
    for label, frequencies in expected.items():
        found = crystal.frequencies_cm1([band_path(turned).points[label]])[0]
        assert found == pytest.approx(frequencies, rel=1e-6)


def test_frequencies_go_with_the_inverse_square_root_of_mass():
    light, heavy = diamond(), diamond()
    heavy.set_masses([4 * m for m in light.get_masses()])
    one, other = (
        harmonic_crystal(atoms, 2 * np.eye(3, dtype=int), springs_of(diamond(), 3.56 * np.sqrt(3) / 4))
        for atoms in (light, heavy)
    )
    assert one.frequencies_cm1(RANDOM_Q) == pytest.approx(2 * other.frequencies_cm1(RANDOM_Q), rel=1e-9)


def test_a_real_potential_agrees_with_the_phonons_of_ase(tmp_path):
    from ase.phonons import Phonons

    atoms = bulk("Al", a=4.0)
    crystal = harmonic_crystal(atoms, 4 * np.eye(3, dtype=int), calculator_forces(EMT()))
    theirs = Phonons(atoms, EMT(), supercell=(4, 4, 4), delta=0.01, name=str(tmp_path / "ase"))
    theirs.run()
    theirs.read(acoustic=True)
    q = [(0.5, 0, 0.5), (0.5, 0, 0), (0.25, 0.25, 0)]  # held by the supercell, where both are exact
    expected = np.array(theirs.band_structure(q)) * TO_CM1_FROM_EV
    assert crystal.frequencies_cm1(q) == pytest.approx(expected, rel=2e-3)


def test_phonopy_itself_loads_what_is_saved(tmp_path):
    import phonopy

    springs, _ = CRYSTALS["rocksalt"]
    crystal = harmonic_crystal(springs.crystal, 2 * np.eye(3, dtype=int), springs)
    file = tmp_path / "phonopy.yaml"
    file.write_bytes(crystal.yaml())
    for loaded in (phonopy.load(file, log_level=0), load_phonopy(crystal.yaml())):
        frequencies = np.array(loaded.run_qpoints(RANDOM_Q).frequencies) * 1e10 / _c
        assert frequencies == pytest.approx(crystal.frequencies_cm1(RANDOM_Q), abs=1e-6)


def test_the_residual_force_is_taken_off():
    springs, supercell = CRYSTALS["rocksalt"]
    pull = 0.3

    def pulled(atoms: Atoms) -> np.ndarray:
        return springs(atoms) + pull * np.where(atoms.numbers == 1, 1, -1)[:, None]

    crystal = harmonic_crystal(springs.crystal, supercell, pulled)
    plain = harmonic_crystal(springs.crystal, supercell, springs)
    assert crystal.residual_force_eV_A == pytest.approx(pull)
    assert crystal.frequencies_cm1(RANDOM_Q) == pytest.approx(plain.frequencies_cm1(RANDOM_Q), rel=1e-9)


def test_a_violated_sum_rule_is_measured_and_then_mended():
    """A spring of strength k to a fixed point in space: moving everything together costs k for each atom."""
    springs, supercell = CRYSTALS["rocksalt"]
    k = 0.25

    def tied(atoms: Atoms) -> np.ndarray:
        return springs(atoms) - k * (atoms.positions - springs.ideal_sites(atoms).positions)

    crystal = harmonic_crystal(springs.crystal, supercell, tied)
    assert crystal.sum_rule_eV_A2 == pytest.approx(k, rel=1e-6)
    assert np.abs(crystal.frequencies_cm1([(0, 0, 0)])[0, :3]).max() < 1e-3


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_forces_that_are_not_finite_are_a_failure(bad):
    def diverged(atoms: Atoms) -> np.ndarray:
        forces = np.zeros((len(atoms), 3))
        forces[1, 2] = bad
        return forces

    with pytest.raises(CalculationFailed) as caught:
        harmonic_crystal(diamond(), 2 * np.eye(3, dtype=int), diverged)
    assert caught.value.failure.kind == "diverged"
    assert "1 of 16 atoms" in caught.value.failure.message


def test_forces_of_a_wrong_shape_are_a_failure():
    with pytest.raises(CalculationFailed) as caught:
        harmonic_crystal(diamond(), 2 * np.eye(3, dtype=int), lambda atoms: np.zeros(3 * len(atoms)))
    assert caught.value.failure.kind == "bad-input"
