"""The algebra of potentials: derivatives that are derivatives, sums that are sums, nothing that was not asked."""

from __future__ import annotations

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from ase.calculators.mixing import SumCalculator
from ase.stress import full_3x3_to_voigt_6_stress
from training_toys import base_calculator, crystal

from flows.records import Blob
from flows.training import terms
from flows.training.potentials import Sum, potential
from flows.training.terms import Neighbours


@pytest.fixture(scope="module")
def base(base_model):
    return potential(base_model)


@pytest.fixture(scope="module")
def delta(difference_model):
    return potential(difference_model)


@pytest.fixture
def atoms():
    return crystal(3).repeat((2, 1, 1))


def energy_of(calculator, atoms):
    atoms = atoms.copy()
    atoms.calc = calculator
    return atoms.get_potential_energy()


def test_forces_are_minus_the_gradient(base, delta, atoms):
    atoms.calc = base + delta
    forces, step = atoms.get_forces(), 1e-4

    for atom, axis in [(0, 0), (3, 1), (5, 2)]:
        energies = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions[atom, axis] += sign * step
            energies.append(energy_of(base + delta, moved))
        assert forces[atom, axis] == pytest.approx(-(energies[0] - energies[1]) / (2 * step), abs=1e-6)


def test_stress_is_the_derivative_by_strain(base, delta, atoms):
    atoms.calc = base + delta
    stress, step = atoms.get_stress(voigt=False), 1e-4
    derivative = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            energies = []
            for sign in (1, -1):
                strain = np.eye(3)
                strain[i, j] += sign * step / 2
                strain[j, i] += sign * step / 2
                strained = atoms.copy()
                strained.set_cell(atoms.cell @ strain, scale_atoms=True)
                energies.append(energy_of(base + delta, strained))
            derivative[i, j] = (energies[0] - energies[1]) / (2 * step) / atoms.get_volume()

    assert full_3x3_to_voigt_6_stress(stress) == pytest.approx(
        full_3x3_to_voigt_6_stress(derivative), abs=1e-7
    )


@pytest.mark.parametrize("which", ["base_model", "difference_model"])
def test_one_model_is_what_maces_calculator_makes_of_it(which, request, atoms, tmp_path):
    from mace.calculators import MACECalculator

    record = request.getfixturevalue(which)
    (tmp_path / "one.model").write_bytes(record.blob.content())
    theirs, ours = atoms.copy(), atoms.copy()
    theirs.calc = MACECalculator(
        model_paths=str(tmp_path / "one.model"), device="cpu", default_dtype="float64"
    )
    ours.calc = potential(record)

    assert ours.get_potential_energy() == pytest.approx(theirs.get_potential_energy(), abs=1e-12)
    assert np.allclose(ours.get_forces(), theirs.get_forces(), rtol=0, atol=1e-12)
    assert np.allclose(ours.get_stress(), theirs.get_stress(), rtol=0, atol=1e-12)


def test_a_sum_is_the_sum_of_its_parts_with_one_neighbour_list(base, delta, atoms, monkeypatch):
    assert base.terms[0].cutoff != delta.terms[0].cutoff
    apart = atoms.copy()
    apart.calc = SumCalculator([base, delta])
    expected = apart.get_potential_energy(), apart.get_forces(), apart.get_stress()

    calls = []
    original = Neighbours.of
    monkeypatch.setattr(terms.Neighbours, "of", lambda a, c: calls.append(c) or original(a, c))
    atoms.calc = base + delta
    stress = atoms.get_stress()

    assert calls == [3.6]
    assert atoms.get_potential_energy() == pytest.approx(expected[0], abs=1e-12)
    assert np.allclose(atoms.get_forces(), expected[1], rtol=0, atol=1e-12)
    assert np.allclose(stress, expected[2], rtol=0, atol=1e-12)
    assert calls == [3.6]


def test_any_calculator_adds_on_either_side(base, atoms):
    spring = base_calculator()
    left, right = base + spring, base.__radd__(spring)
    assert isinstance(left, Sum)
    expected = energy_of(base, atoms) + energy_of(base_calculator(), atoms)

    for calculator in (left, right, base + spring + LennardJones(epsilon=0.0, rc=3.0)):
        assert energy_of(calculator, atoms) == pytest.approx(expected, abs=1e-12)
    atoms.calc = left
    assert atoms.get_forces().shape == (8, 3)
    assert atoms.get_stress().shape == (6,)


def test_only_what_is_asked_for_is_computed(base, delta, atoms, monkeypatch):
    asked = []
    original = terms.Network.evaluate

    def spy(self, atoms, neighbours, forces, stress):
        asked.append((forces, stress))
        return original(self, atoms, neighbours, forces, stress)

    monkeypatch.setattr(terms.Network, "evaluate", spy)
    atoms.calc = base + delta
    atoms.get_potential_energy()
    assert asked == [(False, False)] * 2
    atoms.get_forces()
    atoms.get_potential_energy()
    assert asked == [(False, False)] * 2 + [(True, False)] * 2
    assert "stress" not in atoms.calc.results


def test_single_precision_is_a_choice(base_model, atoms):
    exact, quick = potential(base_model), potential(base_model, dtype="float32")

    assert energy_of(quick, atoms) != energy_of(exact, atoms)
    assert energy_of(quick, atoms) == pytest.approx(energy_of(exact, atoms), rel=1e-5)


def test_an_unknown_element_is_named(base, atoms):
    atoms.numbers[0] = 3
    with pytest.raises(ValueError, match=r"knows the atomic numbers \[18\], not \[3\]"):
        energy_of(base, atoms)


def test_damaged_bytes_are_refused(base_model):
    damaged = Blob.of(b"something else").model_copy(update={"sha256": base_model.blob.sha256})

    with pytest.raises(ValueError, match="damaged"):
        potential(base_model.model_copy(update={"blob": damaged}))


def test_atoms_without_neighbours_have_no_forces(base, delta):
    atoms = crystal(1)[:2]
    atoms.set_cell([20, 20, 20], scale_atoms=True)
    atoms.calc = base + delta

    assert atoms.get_potential_energy() == pytest.approx(2 * energy_of(base + delta, atoms[:1]), abs=1e-12)
    assert np.abs(atoms.get_forces()).max() == 0


def test_neighbours_beyond_a_smaller_cutoff_are_left_out():
    atoms = crystal(1)
    near, far = Neighbours.of(atoms, 3.2), Neighbours.of(atoms, 5.0)

    assert far.index.shape[1] > near.index.shape[1]
    assert far.within(3.2).index.shape == near.index.shape
    assert sorted(far.within(3.2).lengths) == pytest.approx(sorted(near.lengths))


def test_neighbours_are_those_of_ase_and_their_second_half_is_the_first_turned_around():
    """Also where an atom is its own neighbour."""
    from ase.neighborlist import neighbor_list

    atoms = crystal(1)[:2]
    atoms.set_cell([[3.1, 0, 0], [0.4, 3.0, 0], [0, 0.2, 3.3]])
    found = Neighbours.of(atoms, 5.0)

    half = found.index.shape[1] // 2
    assert (found.index[:, half:] == found.index[::-1, :half]).all()
    assert (found.shifts[half:] == -found.shifts[:half]).all()
    assert (found.lengths[half:] == found.lengths[:half]).all()
    near = found.within(4.0)
    assert (near.index[:, len(near.lengths) // 2 :] == near.index[::-1, : len(near.lengths) // 2]).all()

    def rows(i, j, shifts):
        return sorted(zip(i.tolist(), j.tolist(), shifts.astype(int).tolist(), strict=True))

    assert rows(*found.index, found.shifts) == rows(*neighbor_list("ijS", atoms, 5.0))
