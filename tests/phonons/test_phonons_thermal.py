"""Thermal properties against one oscillator, Dulong and Petit, Debye, and phonopy's own on the exported file."""

from __future__ import annotations

from math import exp, log, pi
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from test_phonons_harmonic import Springs

from flows.phonons.harmonic import harmonic_crystal
from flows.phonons.scaled import StoredCrystal
from flows.phonons.settings import NacSettings, PhononSettings, PhononTask
from flows.phonons.thermal import SampledModes, thermal_properties
from flows.records import Structure

BOLTZMANN, PLANCK, LIGHT, AVOGADRO = 1.380649e-23, 6.62607015e-34, 299792458.0, 6.02214076e23  # of the SI, exact
GAS_J_K_MOL = BOLTZMANN * AVOGADRO
K_PER_CM1 = 100 * PLANCK * LIGHT / BOLTZMANN
MESH = (6, 6, 6)
TWO = ((2, 0, 0), (0, 2, 0), (0, 0, 2))
CLOSE = 1e-5  # phonopy's constants are older, and differ from these by a millionth


def oscillators(frequencies_cm1: list[float]) -> SampledModes:
    """At one q-point that is not Γ."""
    return SampledModes(np.array([[0.5, 0.5, 0.5]]), np.array([4]), np.array([frequencies_cm1]))


def test_one_frequency_is_einsteins_oscillator() -> None:
    theta, temperature = 800.0 * K_PER_CM1, 300.0
    x = theta / temperature
    found = thermal_properties(oscillators([800.0] * 6), [temperature])
    occupied = 1 / (exp(x) - 1)
    assert found.heat_capacity_J_K_mol[0] == pytest.approx(6 * GAS_J_K_MOL * x**2 * exp(x) * occupied**2, rel=CLOSE)
    assert found.entropy_J_K_mol[0] == pytest.approx(6 * GAS_J_K_MOL * (x * occupied - log(1 - exp(-x))), rel=CLOSE)
    assert found.zero_point_kJ_mol == pytest.approx(6 * GAS_J_K_MOL * theta / 2000, rel=CLOSE)
    energy = 6 * GAS_J_K_MOL * theta * (0.5 + occupied) / 1000
    assert found.free_energy_kJ_mol[0] == pytest.approx(energy - temperature * found.entropy_J_K_mol[0] / 1000, rel=CLOSE)


def test_at_rest_and_at_high_temperatures() -> None:
    cold, cool, hot = (thermal_properties(oscillators([200.0, 900.0, 1300.0]), [one]) for one in (0.0, 1.0, 1e6))
    assert cold.heat_capacity_J_K_mol == cold.entropy_J_K_mol == (0.0,)
    assert cold.free_energy_kJ_mol[0] == cold.zero_point_kJ_mol == pytest.approx(cool.free_energy_kJ_mol[0])
    assert hot.heat_capacity_J_K_mol[0] == pytest.approx(3 * GAS_J_K_MOL, rel=1e-5)


def test_acoustic_modes_give_debyes_cube() -> None:
    count, edge_cm1 = 200_000, 1000.0
    frequencies = edge_cm1 * ((np.arange(count) + 0.5) / count) ** (1 / 3)
    modes = SampledModes(np.full((count, 3), 0.1), np.ones(count, dtype=int), np.stack([frequencies] * 3, axis=1))
    share = 1 / 40
    found = thermal_properties(modes, [share * edge_cm1 * K_PER_CM1])
    assert found.heat_capacity_J_K_mol[0] == pytest.approx(12 * pi**4 / 5 * GAS_J_K_MOL * share**3, rel=2e-4)


def test_translations_count_nothing_and_imaginary_modes_are_named() -> None:
    whole = SampledModes(np.zeros((1, 3)), np.array([1]), np.array([[-0.01, 1e-7, 0.02, 700.0, 700.0, 700.0]]))
    assert thermal_properties(whole, [300.0]).imaginary == 0
    assert thermal_properties(whole, [300.0]).zero_point_kJ_mol == pytest.approx(
        thermal_properties(oscillators([700.0] * 3), [300.0]).zero_point_kJ_mol
    )
    soft = thermal_properties(oscillators([-90.0, 500.0, 500.0, 500.0]), [300.0])
    assert soft.imaginary == 0.25
    assert soft.entropy_J_K_mol == thermal_properties(oscillators([500.0] * 3), [300.0]).entropy_J_K_mol


def test_a_temperature_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"-5\.0.*each must be 0 or more"):
        thermal_properties(oscillators([500.0]), [300.0, -5.0])


POLAR = NacSettings(
    born_charges=tuple(tuple(tuple(charge * x for x in row) for row in np.eye(3).tolist()) for charge in (1.1, -1.1)),
    dielectric=tuple(tuple(4.0 * x for x in row) for row in np.eye(3).tolist()),
)


@pytest.mark.parametrize(("crystal", "reach", "nac"), [("diamond", 1.6, None), ("lih", 2.1, POLAR)], ids=["diamond", "lih"])
def test_a_stored_crystal_is_as_warm_as_phonopy_says_of_its_file(tmp_path: Path, crystal: str, reach: float, nac: NacSettings | None) -> None:
    import phonopy

    atoms = bulk("C", "diamond", a=3.56) if crystal == "diamond" else bulk("LiH", "rocksalt", a=4.02)
    content = harmonic_crystal(atoms, TWO, Springs(atoms, reach, 10.0, 2.0), nac=nac).yaml()
    (tmp_path / "exported.yaml").write_bytes(content)
    task = PhononTask(
        key="", system=crystal, model="dft_ef", primitive=Structure.from_atoms(atoms), supercell=TWO, settings=PhononSettings(mesh=MESH), nac=nac
    )
    stored = StoredCrystal.of(content, task)
    found = thermal_properties(stored.sampled_modes(content, MESH), [0.0, 300.0, 1000.0])
    assert found == thermal_properties(stored.sampled_modes(content, MESH), [0.0, 300.0, 1000.0])  # whose mesh is known by now

    theirs = phonopy.load(tmp_path / "exported.yaml", produce_fc=False, log_level=0)
    theirs.run_mesh(MESH, is_gamma_center=True)
    theirs.run_thermal_properties(temperatures=[0.0, 300.0, 1000.0], exclude_gamma_acoustic=True)
    expected = theirs.get_thermal_properties_dict()
    assert found.heat_capacity_J_K_mol == pytest.approx(expected["heat_capacity"], rel=1e-9)
    assert found.entropy_J_K_mol == pytest.approx(expected["entropy"], rel=1e-9)
    assert found.free_energy_kJ_mol == pytest.approx(expected["free_energy"], rel=1e-9)
    assert found.imaginary == 0
    assert 1 < found.heat_capacity_J_K_mol[1] < found.heat_capacity_J_K_mol[2] < 6 * GAS_J_K_MOL
