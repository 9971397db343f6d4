"""The harmonic density of states to compare with an MD: on the q-points that its cell holds, with the same lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from flows.dynamics.settings import DynamicsSettings, VibrationSettings
from flows.dynamics.vacf import Lines, densities, multiples, of_modes
from flows.dynamics.windows import WINDOWS
from flows.phonons.harmonic import cm1_per_THz, load_phonopy
from flows.phonons.qpoints import commensurate
from flows.records import HarmonicSpectrum

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

DIGITS = 7


def harmonic_spectrum(
    phonopy_yaml: bytes, supercell: ArrayLike, dynamics: DynamicsSettings, vibrations: VibrationSettings
) -> HarmonicSpectrum:
    """The harmonic density of states that an MD in `supercell` shows, with the lines of `vibrations`.

    `phonopy_yaml` is the blob of a `Phonons` record; rows of `supercell` are in units of its primitive vectors
    (`flows.phonons.cells.supercell_matrix`). Normalized to 3 per atom of the primitive cell. Weights of elements
    are |e|². Without NAC: the forces of an MD of a short-ranged potential have none. Unstable modes stand at zero
    frequency. Lines are mass-weighted ones, whatever the definition.
    """
    frequencies, weights, symbols = _modes(phonopy_yaml, commensurate(supercell))
    grid = multiples(vibrations.pitch_cm1, vibrations.max_cm1)
    lines = Lines.of(WINDOWS[vibrations.window], vibrations.resolution_cm1, dynamics.frame_fs, grid)
    elements = list(dict.fromkeys(symbols))
    by_element = np.stack([weights[:, np.array(symbols) == e].sum(axis=1) for e in elements], axis=1)
    correlations = dict(zip(elements, of_modes(frequencies, by_element, lines), strict=True))
    found = densities(correlations, lines, 3 * len(symbols))
    return HarmonicSpectrum(
        **spectrum_fields(grid, found, 3 * len(symbols)),
        window=vibrations.window,
        resolution_cm1=lines.resolution_cm1,
        qpoints=len(commensurate(supercell)),
    )


def spectrum_fields(grid: NDArray, projected: dict[str, NDArray], states: float) -> dict[str, Any]:
    """The curves of a `Spectrum`, in as many digits as they are worth."""
    total = np.sum(list(projected.values()), axis=0)
    return {
        "frequencies_cm1": rounded(grid),
        "total": rounded(total),
        "projected": {e: rounded(d) for e, d in projected.items()},
        "normalized_to": float(states),
        "captured": float(np.trapezoid(total, grid)),
    }


def rounded(values: NDArray) -> tuple[float, ...]:
    return tuple(float(f"{x:.{DIGITS}g}") for x in values.tolist())


def _modes(phonopy_yaml: bytes, qpoints: NDArray) -> tuple[NDArray, NDArray, list[str]]:
    """Frequencies (modes,) in cm^-1, |e|² (modes, atoms), symbols; without the translations at Γ."""
    phonopy = load_phonopy(phonopy_yaml)
    phonopy.nac_params = None
    found: Any = phonopy.run_qpoints(qpoints, with_eigenvectors=True)
    frequencies = np.asarray(found.frequencies) * cm1_per_THz()
    count, modes = frequencies.shape
    vectors = np.asarray(found.eigenvectors).reshape(count, modes // 3, 3, modes)
    weights = (np.abs(vectors) ** 2).sum(axis=2).transpose(0, 2, 1).reshape(count * modes, -1)
    moving = np.ones((count, modes), dtype=bool)
    (gamma,) = np.flatnonzero(np.abs(qpoints - np.rint(qpoints)).max(axis=1) < 1e-8)
    moving[gamma, np.argsort(np.abs(frequencies[gamma]))[:3]] = False
    kept = moving.ravel()
    return np.maximum(frequencies, 0).ravel()[kept], weights[kept], list(phonopy.primitive.symbols)
