"""What a long MD and its vibrational density of states are asked to be."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from flows.records import Structure
from flows.settings import Settings

Window = Literal["none", "hann", "gaussian"]


class DynamicsSettings(Settings):
    """Langevin equilibration, then NVE production, from several independent starts.

    Every `sample_every`-th step is a frame: its velocities are kept, and the positions of every
    `positions_every`-th frame. Start i draws its random numbers from (`start_seed`, i), whatever the model, so
    that models are compared under the same noise. A run explodes where its temperature passes
    `max_temperature_ratio` times that asked for, or where in production its total energy per atom has moved by
    more than `max_drift_kT` times k T.
    """

    temperature_K: PositiveFloat = 300.0
    timestep_fs: PositiveFloat = 0.5
    equilibration_steps: NonNegativeInt = 4000
    friction_per_fs: PositiveFloat = 0.01
    steps: PositiveInt = 30_000
    starts: PositiveInt = 3
    start_seed: NonNegativeInt = 1
    sample_every: PositiveInt = 1
    positions_every: PositiveInt = 100
    max_temperature_ratio: float = Field(default=5.0, gt=1)
    max_drift_kT: PositiveFloat = 0.5

    @property
    def frames(self) -> int:
        """Of one start."""
        return self.steps // self.sample_every

    @property
    def frame_fs(self) -> float:
        """The time from frame to frame."""
        return self.timestep_fs * self.sample_every

    @model_validator(mode="after")
    def _whole_frames(self) -> Self:
        if self.steps % self.sample_every:
            raise ValueError(f"steps ({self.steps}) must be a multiple of sample_every ({self.sample_every})")
        return self


class VibrationSettings(Settings):
    """How velocities become a density of states on the multiples of `pitch_cm1` up to `max_cm1`.

    `resolution_cm1` is the full width at half maximum that the window gives a line. `definition` is
    `mass-weighted`, or `velocity-acf` for that of py-VACF (see `flows.dynamics.velocity_acf`).
    """

    definition: Literal["mass-weighted", "velocity-acf"] = "mass-weighted"
    window: Window = "gaussian"
    resolution_cm1: PositiveFloat = 10.0
    max_cm1: PositiveFloat = 2000.0
    pitch_cm1: PositiveFloat = 2.0

    @model_validator(mode="after")
    def _fine_grid(self) -> Self:
        if self.pitch_cm1 > self.resolution_cm1 / 2:
            raise ValueError(
                f"pitch_cm1 ({self.pitch_cm1}) must be at most half of resolution_cm1 ({self.resolution_cm1})"
            )
        return self


class DynamicsTask(Settings):
    """MD of `model` in `big`, never relaxed, and the density of states that it shows.

    The density is normalized to 3 states for each of `normalized_atoms`: those of the primitive cell, to lie over
    its harmonic density of states; None for those of `big`.
    """

    key: str
    system: str
    model: str
    seed: int
    size: str
    big: Structure
    dynamics: DynamicsSettings
    vibrations: VibrationSettings
    normalized_atoms: PositiveInt | None = None
    dtype: str = "float64"

    @model_validator(mode="after")
    def _can_be_seen(self) -> Self:
        check_resolution(self.dynamics, self.vibrations)
        return self


def check_resolution(dynamics: DynamicsSettings, vibrations: VibrationSettings) -> None:
    """That an MD is long enough, and its frames close enough, for the density of states asked of it.

    Raises:
        ValueError: it is not; the message says what it can show.
    """
    from flows.dynamics.windows import WINDOWS, nyquist_cm1

    highest = nyquist_cm1(dynamics.frame_fs)
    if vibrations.max_cm1 > highest:
        raise ValueError(
            f"frames every {dynamics.frame_fs} fs show frequencies up to {highest:.0f} cm^-1, "
            f"not max_cm1 = {vibrations.max_cm1}: lower sample_every or max_cm1"
        )
    if vibrations.definition == "velocity-acf":
        return  # its lags run over the whole MD, whatever the window
    window = WINDOWS[vibrations.window]
    if window.last_lag(vibrations.resolution_cm1, dynamics.frame_fs) > window.longest_lag(dynamics.frames):
        finest = window.finest_cm1(dynamics.frames, dynamics.frame_fs)
        raise ValueError(
            f"{dynamics.frames} frames every {dynamics.frame_fs} fs resolve {finest:.1f} cm^-1 with the window "
            f"{vibrations.window!r}, not resolution_cm1 = {vibrations.resolution_cm1}: "
            "raise resolution_cm1, or the steps"
        )
