"""Thermal properties of a harmonic crystal at constant volume, by the sum over its modes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRANSLATIONS = 3


@dataclass(frozen=True, eq=False)
class SampledModes:
    """Frequencies (Q, 3N) in cm^-1 on the irreducible q-points (Q, 3) of a mesh, and how many q-points each stands for (Q,)."""

    qpoints: NDArray[np.float64]
    weights: NDArray[np.int64]
    frequencies_cm1: NDArray[np.float64]

    @property
    def translations(self) -> NDArray[np.bool_]:
        """(Q, 3N): the three modes at Γ that are next to zero. They are no vibrations; their entropy would be infinite."""
        found = np.zeros(self.frequencies_cm1.shape, dtype=bool)
        for row in np.flatnonzero(np.abs(self.qpoints).max(axis=1) < 1e-9):
            found[row, np.argsort(np.abs(self.frequencies_cm1[row]))[:TRANSLATIONS]] = True
        return found


@dataclass(frozen=True)
class ThermalProperties:
    """Of one mol of primitive cells, at constant volume; a value for each temperature.

    `imaginary` is the part of the modes that have no real frequency: they are in no value.
    """

    temperatures_K: tuple[float, ...]
    heat_capacity_J_K_mol: tuple[float, ...]
    entropy_J_K_mol: tuple[float, ...]
    free_energy_kJ_mol: tuple[float, ...]
    zero_point_kJ_mol: float
    imaginary: float = 0.0


def thermal_properties(modes: SampledModes, temperatures_K: Sequence[float]) -> ThermalProperties:
    """Heat capacity, entropy, Helmholtz free energy (zero-point energy included) and zero-point energy.

    With x = ħω / kT, of each mode: C = k x² eˣ / (eˣ - 1)², S = k (x / (eˣ - 1) - ln(1 - e⁻ˣ)), F = ħω / 2 + kT ln(1 - e⁻ˣ);
    Born and Huang, Dynamical Theory of Crystal Lattices (1954). At 0 K F is the zero-point energy.

    Raises:
        ValueError: a temperature is negative, or no number.
    """
    temperatures = np.asarray(temperatures_K, dtype=float)
    if not (temperatures >= 0).all():
        raise ValueError(f"temperatures are {temperatures.tolist()} K: each must be 0 or more")
    translations = modes.translations
    counted = (modes.frequencies_cm1 > 0) & ~translations
    share = np.broadcast_to(modes.weights[:, None], counted.shape) / modes.weights.sum()
    energies, weights = modes.frequencies_cm1[counted] * eV_per_cm1(), share[counted]
    sums = _sums(energies, weights, temperatures) * kJ_mol_per_eV()
    return ThermalProperties(
        temperatures_K=tuple(temperatures.tolist()),
        heat_capacity_J_K_mol=tuple((1000 * sums[:, 0]).tolist()),
        entropy_J_K_mol=tuple((1000 * sums[:, 1]).tolist()),
        free_energy_kJ_mol=tuple(sums[:, 2].tolist()),
        zero_point_kJ_mol=float(weights @ energies / 2 * kJ_mol_per_eV()),
        imaginary=float(share[~counted & ~translations].sum() / modes.frequencies_cm1.shape[1]),
    )


def _sums(energies: NDArray, weights: NDArray, temperatures_K: NDArray) -> NDArray:
    """(T, 3): heat capacity and entropy in eV/K, free energy in eV."""
    boltzmann, warm = boltzmann_eV_K(), temperatures_K > 0
    x = energies / (boltzmann * temperatures_K[warm, None])
    decay, empty = np.exp(-x), -np.expm1(-x)  # of a cold mode 0 and 1, where exp(x) would be too large
    occupied, logarithm = decay / empty, np.log(empty)
    sums = np.zeros((len(temperatures_K), 3))
    sums[warm, 0] = boltzmann * (x**2 * occupied * (1 + occupied)) @ weights
    sums[warm, 1] = boltzmann * (x * occupied - logarithm) @ weights
    sums[warm, 2] = boltzmann * temperatures_K[warm] * (logarithm @ weights)
    sums[:, 2] += weights @ energies / 2
    return sums


def eV_per_cm1() -> float:
    from phonopy.physical_units import get_physical_units

    return float(get_physical_units().THzToEv / get_physical_units().THzToCm)


def boltzmann_eV_K() -> float:
    from phonopy.physical_units import get_physical_units

    return float(get_physical_units().KB)


def gas_constant_J_K_mol() -> float:
    """R: what a mol of modes has as its heat capacity where it is hot."""
    return 1000 * boltzmann_eV_K() * kJ_mol_per_eV()


def kJ_mol_per_eV() -> float:
    from phonopy.physical_units import get_physical_units

    return float(get_physical_units().EvTokJmol)
