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
UNSTABLE_CM1 = -1.0  # translations are not exactly zero


def harmonic_spectrum(
    phonopy_yaml: bytes, supercell: ArrayLike, dynamics: DynamicsSettings, vibrations: VibrationSettings
) -> HarmonicSpectrum:
    """The harmonic density of states that an MD in `supercell` shows, with the lines of `vibrations`.

    `phonopy_yaml` is the blob of a `Phonons` record with the force constants of that very cell: those of another
    one, interpolated, put modes tens of cm^-1 off, which looks like anharmonicity. Rows of `supercell` are in units
    of its primitive vectors (`flows.phonons.cells.supercell_matrix`). Normalized to 3 per atom of the primitive cell.
    Weights of elements are |e|². Without NAC: the forces of an MD of a short-ranged potential have none. Unstable
    modes (below -1 cm^-1) are counted, and stand at zero frequency. Lines are mass-weighted ones, whatever the
    definition.

    Raises:
        ValueError: the force constants are those of another cell.
    """
    frequencies, weights, symbols = _modes(phonopy_yaml, supercell)
    unstable = frequencies < UNSTABLE_CM1
    grid = multiples(vibrations.pitch_cm1, vibrations.max_cm1)
    lines = Lines.of(WINDOWS[vibrations.window], vibrations.resolution_cm1, dynamics.frame_fs, grid)
    elements = list(dict.fromkeys(symbols))
    by_element = np.stack([weights[:, np.array(symbols) == e].sum(axis=1) for e in elements], axis=1)
    correlations = dict(zip(elements, of_modes(np.maximum(frequencies, 0), by_element, lines), strict=True))
    found = densities(correlations, lines, 3 * len(symbols))
    return HarmonicSpectrum(
        **spectrum_fields(grid, found, 3 * len(symbols)),
        window=vibrations.window,
        resolution_cm1=lines.resolution_cm1,
        qpoints=len(commensurate(supercell)),
        unstable=int(unstable.sum()),
        lowest_cm1=float(frequencies.min()),
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


def same_lattice(one: ArrayLike, other: ArrayLike) -> bool:
    """Whether two supercells (rows in units of the primitive vectors) are the same up to the choice of vectors."""
    change = np.asarray(one, dtype=float) @ np.linalg.inv(np.asarray(other, dtype=float))
    return bool(np.abs(change - np.rint(change)).max() < 1e-6 and round(abs(np.linalg.det(change))) == 1)


def _modes(phonopy_yaml: bytes, supercell: ArrayLike) -> tuple[NDArray, NDArray, list[str]]:
    """Frequencies (modes,) in cm^-1, unstable ones below zero, |e|² (modes, atoms), symbols; without the
    translations at Γ."""
    phonopy = load_phonopy(phonopy_yaml)
    phonopy.nac_params = None
    # phonopy counts supercell vectors in columns
    own = np.asarray(phonopy.supercell_matrix).T
    if not same_lattice(own, supercell):
        raise ValueError(f"force constants of the supercell {own.tolist()}, not of {np.asarray(supercell).tolist()}")
    qpoints = commensurate(supercell)
    found: Any = phonopy.run_qpoints(qpoints, with_eigenvectors=True)
    frequencies = np.asarray(found.frequencies) * cm1_per_THz()
    count, modes = frequencies.shape
    vectors = np.asarray(found.eigenvectors).reshape(count, modes // 3, 3, modes)
    weights = (np.abs(vectors) ** 2).sum(axis=2).transpose(0, 2, 1).reshape(count * modes, -1)
    moving = np.ones((count, modes), dtype=bool)
    (gamma,) = np.flatnonzero(np.abs(qpoints - np.rint(qpoints)).max(axis=1) < 1e-8)
    moving[gamma, np.argsort(np.abs(frequencies[gamma]))[:3]] = False
    kept = moving.ravel()
    return frequencies.ravel()[kept], weights[kept], list(phonopy.primitive.symbols)
