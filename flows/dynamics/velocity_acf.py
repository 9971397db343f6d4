"""The density of states as py-VACF (github.com/LePingKYXK/Velocity-ACF, VACF.py, which the paper used) defines it.

For each Cartesian component v of each atom, with n frames: A(t) = Σ_s v(s) v(s + t) / Σ_s (v(s) - <v>)², so every
component counts alike: no masses. A is multiplied by a window that is centred on the *middle* of the lags, and
divided by the window's mean; padded with zeros to the next power of two; divided by n; and the *square* of the
modulus of its Fourier transform is summed over components and atoms. Its intensities are arbitrary, and a strong
line is seen stronger than in a density of states, for they go with the square of its weight.

py-VACF takes velocities as central differences of positions. Under velocity Verlet these are the velocities
themselves (v(n) = [x(n+1) - x(n-1)] / 2Δt), but for the first and the last frame. Its Gaussian has a fixed width of
4000 frames (full, at half maximum), here `gaussian_frames`. VACF_py3.py, which takes the modulus of each
position instead of its components, is not reproduced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from flows.dynamics.settings import Window
from flows.dynamics.vacf import Velocities, blocks
from flows.dynamics.windows import CM1_FS, FWHM_OF_SIGMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

# full widths at half maximum of |transform|², in cycles per length of the window
WIDTHS = {"none": 0.8858929, "hann": 1.4405826}


def intensities(
    velocities: Velocities, symbols: Sequence[str], window: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """(2^k / 2,) for each element: its part of the sum, at the frequencies of `bins_cm1`."""
    from scipy import fft

    frames = velocities.shape[0]
    padded, powers = fft.next_fast_len(2 * frames, real=True), _next_power(frames)
    found = {element: np.zeros(powers // 2) for element in dict.fromkeys(symbols)}
    for atoms in blocks(len(symbols), 3 * 24 * (padded + powers)):
        v = np.asarray(velocities[:, atoms], dtype=float).reshape(frames, -1).T
        spectra = fft.rfft(v, padded, axis=1)
        acf = fft.irfft(np.abs(spectra) ** 2, padded, axis=1)[:, :frames]
        acf /= ((v - v.mean(axis=1, keepdims=True)) ** 2).sum(axis=1, keepdims=True)
        seen = np.abs(fft.rfft(acf * (window / window.mean()), powers, axis=1) / frames) ** 2
        for element, rows in zip(symbols[atoms], seen.reshape(-1, 3, seen.shape[1]), strict=True):
            found[element] += rows.sum(axis=0)[: powers // 2]
    return found


def bins_cm1(frames: int, frame_fs: float) -> NDArray[np.float64]:
    """Frequencies of `intensities`."""
    powers = _next_power(frames)
    return np.arange(powers // 2, dtype=np.float64) * (CM1_FS / (powers * frame_fs))


def window_of(kind: Window, frames: int, gaussian_frames: float = 4000.0) -> NDArray[np.float64]:
    """(frames,): periodic, highest in the middle."""
    n = np.arange(frames)
    if kind == "gaussian":
        return np.exp(-(((n - frames / 2) * FWHM_OF_SIGMA / gaussian_frames) ** 2) / 2)
    return np.sin(np.pi * n / frames) ** 2 if kind == "hann" else np.ones(frames)


def gaussian_frames(resolution_cm1: float, frame_fs: float) -> float:
    """The width in frames whose squared line is `resolution_cm1` wide: 4000 makes 10.4 cm^-1 of 0.5 fs."""
    sigma_cm1 = resolution_cm1 / FWHM_OF_SIGMA
    return float(FWHM_OF_SIGMA * CM1_FS / (2 * np.pi * np.sqrt(2) * sigma_cm1 * frame_fs))


def resolution_cm1(kind: Window, frames: int, frame_fs: float, asked_cm1: float) -> float:
    """Full width at half maximum of a line: that asked for, if the window has a width of its own."""
    return asked_cm1 if kind == "gaussian" else WIDTHS[kind] * CM1_FS / (frames * frame_fs)


def _next_power(frames: int) -> int:
    return int(2 ** np.ceil(np.log2(frames)))
