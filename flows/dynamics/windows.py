"""Lag windows, the widths of the lines that they make, and what a finite timestep does to a frequency."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

CM1_FS = 1e15 / 2.99792458e10  # a frequency in cm^-1 times a time in fs is in cycles after division by this
FWHM_OF_SIGMA = 2 * np.sqrt(2 * np.log(2))
GAUSSIAN_CUT = 4.0  # in standard deviations: what is cut off there is 3e-4 of lag 0
SINC_HALF = 1.2067091288032284  # full width at half maximum of sin(πx)/(πx)


@dataclass(frozen=True)
class LagWindow:
    """Weights of the lags of an autocorrelation: `shape` maps lag / last lag, in [0, 1], to a weight.

    `width` is the full width at half maximum of a line times the time of the last lag, in cycles.
    """

    shape: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    width: float

    def last_lag(self, resolution_cm1: float, frame_fs: float) -> int:
        """In frames, for lines that are `resolution_cm1` wide at half maximum."""
        return max(1, round(self.width * CM1_FS / (resolution_cm1 * frame_fs)))

    def weights(self, last_lag: int) -> NDArray[np.float64]:
        """(last_lag + 1,), 1 at lag 0."""
        return self.shape(np.arange(last_lag + 1) / last_lag)

    def resolution_cm1(self, last_lag: int, frame_fs: float) -> float:
        """Full width at half maximum of a line."""
        return self.width * CM1_FS / (last_lag * frame_fs)

    def longest_lag(self, frames: int) -> int:
        """In frames: lags beyond half of a run are averages over too little of it."""
        return max(1, frames // 2)

    def finest_cm1(self, frames: int, frame_fs: float) -> float:
        """The finest resolution of a run, rounded up to a tenth: one that may be asked for."""
        return math.ceil(10 * self.resolution_cm1(self.longest_lag(frames), frame_fs)) / 10


WINDOWS: dict[str, LagWindow] = {
    "none": LagWindow(np.ones_like, SINC_HALF / 2),
    "hann": LagWindow(lambda x: np.cos(np.pi * x / 2) ** 2, 1.0),
    "gaussian": LagWindow(
        lambda x: np.exp(-((GAUSSIAN_CUT * x) ** 2) / 2), FWHM_OF_SIGMA * GAUSSIAN_CUT / (2 * np.pi)
    ),
}


def nyquist_cm1(frame_fs: float) -> float:
    """The highest frequency that frames every `frame_fs` show."""
    return CM1_FS / (2 * frame_fs)


def verlet_frequency_cm1(frequency_cm1: ArrayLike, timestep_fs: float) -> NDArray[np.float64]:
    """At what frequency velocity Verlet shows a harmonic oscillator: sin(ω Δt / 2) = ω_0 Δt / 2.

    From cos(n ω Δt) in x(n+1) - 2 x(n) + x(n-1) = -(ω_0 Δt)² x(n); compare Hairer, Lubich and Wanner, Acta
    Numerica 12, 399 (2003). Not a number where ω_0 Δt > 2: the integration is unstable.
    """
    half = np.pi * np.asarray(frequency_cm1, dtype=float) * timestep_fs / CM1_FS
    with np.errstate(invalid="ignore"):
        return np.asarray(np.arcsin(half) * CM1_FS / (np.pi * timestep_fs))


def verlet_shift_cm1(seen_cm1: float, timestep_fs: float) -> float:
    """By how much the timestep has raised a mode that is seen at `seen_cm1`: the same formula, turned around."""
    true = np.sin(np.pi * seen_cm1 * timestep_fs / CM1_FS) * CM1_FS / (np.pi * timestep_fs)
    return float(seen_cm1 - true)
