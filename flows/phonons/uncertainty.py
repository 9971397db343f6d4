"""How sure frequencies are: what the labels leave open of the force constants of a difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flows.phonons.harmonic import HarmonicCrystal, cm1_per_THz

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from flows.training.force_constants.basis import Interactions
    from flows.training.force_constants.model import ForceConstants, PairFit

LEAST_CM1 = 1.0  # below, a frequency is a translation: its error means nothing


def errors_cm1(
    crystal: HarmonicCrystal, models: Sequence[ForceConstants], limits: Mapping[str, tuple[NDArray, NDArray | None]]
) -> dict[str, tuple[float, ...]]:
    """One standard error of each frequency at q-points by label; each with the direction from which Γ is approached, or None.

    To first order in the parameters: d(ω²) = <e| dD |e> / 1, with the eigenvectors e of the crystal. Over the acceptable
    fits of each model, the mean of their covariances and of the squared distances of their frequencies from the chosen
    one's. Errors of the base are not in it; those of several models add in squares.
    """
    return {label: tuple(_at(crystal, models, q, toward).tolist()) for label, (q, toward) in limits.items()}


@dataclass(frozen=True, eq=False)
class Modes:
    """Of one q-point: frequencies in cm^-1, eigenvectors (columns), and `short`, <e| D |e> of the crystal without its
    non-analytical term, eV/Å²/amu."""

    q: NDArray
    masses: NDArray
    frequencies: NDArray
    vectors: NDArray
    short: NDArray

    @classmethod
    def of(cls, crystal: HarmonicCrystal, q: NDArray, toward: NDArray | None) -> Modes:
        phonopy, q = crystal.phonopy, crystal.nearest_gamma(q[None])[0]
        found = phonopy.run_qpoints(q[None], with_eigenvectors=True, nac_q_direction=toward)
        assert found.eigenvectors is not None
        vectors = np.asarray(found.eigenvectors[0])
        short = _expectations(_short_ranged(crystal, q)[None], vectors)[0]
        masses = np.asarray(phonopy.primitive.masses)
        return cls(q, masses, np.asarray(found.frequencies[0]) * cm1_per_THz(), vectors, short)

    @classmethod
    def of_matrix(cls, q: NDArray, masses: NDArray, matrix: NDArray) -> Modes:
        """Of a dynamical matrix (modes, modes) in eV/Å²/amu, imaginary frequencies negative."""
        values, vectors = np.linalg.eigh(matrix)
        frequencies = np.sign(values) * np.sqrt(np.abs(values) * THz2_per_eV_A2_amu()) * cm1_per_THz()
        return cls(q, masses, frequencies, vectors, values)


def _at(crystal: HarmonicCrystal, models: Iterable[ForceConstants], q: NDArray, toward: NDArray | None) -> NDArray:
    modes = Modes.of(crystal, q, toward)
    return np.sqrt(sum((variances(model, modes) for model in models), start=np.zeros(len(modes.frequencies))))


def variances(model: ForceConstants, modes: Modes) -> NDArray:
    """(modes,) in cm^-2: of the frequencies of a base with `model` on it."""
    rows = [_expectations(dynamical_matrices(fit.pairs, model.primitive, modes.q, modes.masses), modes.vectors) for fit in model.fits]
    (chosen,) = _expectations(dynamical_matrices(model.interactions[0], model.primitive, modes.q, modes.masses), modes.vectors)
    base = (modes.short - chosen) / (1 + model.slope)
    found = [
        _of_fit(fit, np.concatenate([base[None], row]), (fit.mean[0] - model.slope) * base + fit.mean[1:] @ row - chosen)
        for fit, row in zip(model.fits, rows, strict=True)
    ]
    size = np.abs(modes.frequencies)
    per_square = cm1_per_THz() ** 2 * THz2_per_eV_A2_amu()
    variance = np.mean(found, axis=0) * (per_square / (2 * np.maximum(size, LEAST_CM1))) ** 2
    return np.where(size > LEAST_CM1, variance, 0.0)


def _of_fit(fit: PairFit, derivatives: NDArray, apart: NDArray) -> NDArray:
    """(modes,): the variance of ω² by one fit, and the square of how far it is from the chosen one."""
    return np.asarray(np.einsum("pm,pq,qm->m", derivatives, fit.covariance, derivatives) + apart**2)


def dynamical_matrices(pairs: Interactions, primitive: Atoms, q: NDArray, masses: NDArray) -> NDArray:
    """(P, 3 n, 3 n): of each parameter at 1, in eV/Å²/amu, with the phases of phonopy: those of the atoms' positions."""
    count = len(masses)
    scaled = primitive.get_scaled_positions(wrap=False)
    first, second = pairs.basis.T
    away = scaled[second] + pairs.translations[:, 1] - scaled[first] - pairs.translations[:, 0]
    phases = np.exp(2j * np.pi * (away @ q)) / np.sqrt(masses[first] * masses[second])
    blocks = phases[:, None, None] * pairs.tensors  # (M, 9, P)
    found = np.zeros((count, count, 9, pairs.count), dtype=complex)
    np.add.at(found, (first, second), blocks)
    return found.reshape(count, count, 3, 3, -1).transpose(4, 0, 2, 1, 3).reshape(-1, 3 * count, 3 * count)


def _expectations(matrices: NDArray, vectors: NDArray) -> NDArray:
    """(P, modes): <e| D |e> of each matrix and eigenvector (columns)."""
    return np.asarray(np.einsum("im,pij,jm->pm", vectors.conj(), matrices, vectors, optimize=True).real)


def _short_ranged(crystal: HarmonicCrystal, q: NDArray) -> NDArray:
    from phonopy.harmonic.dynamical_matrix import DynamicalMatrix

    phonopy = crystal.phonopy
    assert phonopy.force_constants is not None
    made = DynamicalMatrix(phonopy.supercell, phonopy.primitive, phonopy.force_constants)
    made.run(q)
    return np.asarray(made.dynamical_matrix)


def THz2_per_eV_A2_amu() -> float:
    """What a dynamical matrix in eV/Å²/amu is to be multiplied with: (ω / 2π)² in THz²."""
    from phonopy.physical_units import get_physical_units

    return float(get_physical_units().DefaultToTHz) ** 2
