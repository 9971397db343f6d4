"""Vibrational densities of states from velocities: mass-weighted, by element, by FFT (Wiener-Khinchin).

The density of an element is the Fourier transform of Σ_i m_i <v_i(0) v_i(t)> over its atoms, times a lag window:
lines have the window's shape and width. All are divided by one number, the total at t = 0 (twice the kinetic
energy), so that the total has 3 states per atom and the elements sum to it. By equipartition each element then has
3 states per atom of it; an MD at rest has 3N - 3 modes, which share these 3N states.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from flows.dynamics.windows import CM1_FS, LagWindow

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK_BYTES = 64 * 2**20  # of velocities that are read at once
IN_CACHE = 16  # transforms take that part of it at a time


class Velocities(Protocol):
    """(frames, atoms, 3), read by `velocities[:, first:last]`: an array, an HDF5 data set, a trajectory."""

    shape: Any

    def __getitem__(self, asked: tuple[slice, slice], /) -> Any: ...


@dataclass(frozen=True)
class Lines:
    """How an autocorrelation becomes a density: `window` up to `last_lag` frames of `frame_fs`, on `grid` (cm^-1)."""

    window: LagWindow
    last_lag: int
    frame_fs: float
    grid: NDArray[np.float64]

    @classmethod
    def of(
        cls, window: LagWindow, resolution_cm1: float, frame_fs: float, grid: NDArray[np.float64]
    ) -> Lines:
        return cls(window, window.last_lag(resolution_cm1, frame_fs), frame_fs, grid)

    @property
    def resolution_cm1(self) -> float:
        """Of a line, full width at half maximum: that asked for, rounded to whole frames."""
        return self.window.resolution_cm1(self.last_lag, self.frame_fs)


def multiples(pitch_cm1: float, max_cm1: float) -> NDArray[np.float64]:
    """0, pitch, ... up to `max_cm1`."""
    return np.arange(int(np.floor(max_cm1 / pitch_cm1 + 1e-9)) + 1, dtype=np.float64) * pitch_cm1


def autocorrelations(
    velocities: Velocities, masses: NDArray[np.float64], symbols: Sequence[str], last_lag: int
) -> dict[str, NDArray[np.float64]]:
    """(last_lag + 1,) for each element: Σ_i m_i <v_i(0) v_i(t)>, averaged over all pairs of frames t apart.

    In the units of the velocities. Atoms are read in blocks, so that memory does not grow with their number, nor
    with the frames until those of one atom fill a block. Power spectra are summed before one inverse transform.

    Raises:
        ValueError: there are no `last_lag` + 1 frames.
    """
    from scipy import fft

    frames = velocities.shape[0]
    if frames <= last_lag:
        raise ValueError(f"{frames} frames have no lag of {last_lag}")
    # zeros after the frames keep the ends apart up to the last lag, and no further lag is needed
    padded = fft.next_fast_len(frames + last_lag, real=True)
    power = {element: np.zeros(padded // 2 + 1) for element in dict.fromkeys(symbols)}
    for atoms in blocks(len(symbols), 12 * frames):
        read = np.asarray(velocities[:, atoms])
        for few in blocks(read.shape[1], IN_CACHE * 24 * padded):
            spectra = _power(read[:, few], padded)
            mine = slice(atoms.start + few.start, atoms.start + few.stop)
            for element, mass, row in zip(symbols[mine], masses[mine], spectra, strict=True):
                power[element] += mass * row
    pairs = frames - np.arange(last_lag + 1)
    return {element: fft.irfft(total, padded)[: last_lag + 1] / pairs for element, total in power.items()}


def densities(correlations: dict[str, NDArray[np.float64]], lines: Lines, states: float) -> dict[str, Any]:
    """Density on the grid for each element, in states per cm^-1; integrated over all frequencies, `states` in all.

    One-sided: D(ν) = states / C(0) 2 c Δt [C(0) + 2 Σ_k w_k C_k cos(2π c ν k Δt)], C without index the total.
    """
    weights = lines.window.weights(lines.last_lag)
    weights[1:] *= 2
    scale = states * 2 * lines.frame_fs / CM1_FS / sum(c[0] for c in correlations.values())
    return {e: scale * _cosines(c * weights, lines) for e, c in correlations.items()}


def of_modes(frequencies_cm1: NDArray, weights: NDArray, lines: Lines) -> NDArray[np.float64]:
    """The autocorrelation of harmonic modes: (columns, last_lag + 1) from (modes,) and (modes, columns) weights."""
    lags = np.arange(lines.last_lag + 1) * (2 * np.pi * lines.frame_fs / CM1_FS)
    found = np.empty((weights.shape[1], len(lags)))
    step = max(1, BLOCK_BYTES // (8 * max(1, len(frequencies_cm1))))
    for first in range(0, len(lags), step):
        block = slice(first, first + step)
        found[:, block] = weights.T @ np.cos(np.outer(frequencies_cm1, lags[block]))
    return found


def _cosines(series: NDArray, lines: Lines) -> NDArray[np.float64]:
    """Σ_k series_k cos(2π c ν k Δt) for ν on the grid, by a chirp-z transform: exact off the bins of an FFT."""
    from scipy.signal import czt

    pitch = lines.grid[1] - lines.grid[0]
    turn = np.exp(-2j * np.pi * pitch * lines.frame_fs / CM1_FS)
    return np.asarray(czt(series, m=len(lines.grid), w=turn, a=1.0)).real


def blocks(atoms: int, bytes_each: int) -> Iterator[slice]:
    """Slices of atoms that fit into BLOCK_BYTES together, of one atom at least."""
    together = max(1, BLOCK_BYTES // max(1, bytes_each))
    for first in range(0, atoms, together):
        yield slice(first, min(first + together, atoms))


def _power(block: NDArray, padded: int) -> NDArray[np.float64]:
    """(atoms, padded // 2 + 1): |V|² of each atom, summed over its three components."""
    from scipy import fft

    frames, atoms = block.shape[:2]
    series = np.zeros((3 * atoms, padded))
    series[:, :frames] = block.reshape(frames, 3 * atoms).T
    spectra = fft.rfft(series, axis=1, overwrite_x=True)
    power = spectra.real**2
    power += spectra.imag**2
    return np.asarray(power.reshape(atoms, 3, -1).sum(axis=1))
