"""What drawing structures for labelling is asked to be."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AllowInfNan, Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from flows.labelling.engines.known import EngineChoice
from flows.records import Structure
from flows.settings import Settings

STAGE = "sample"


class RattleSettings(Settings):
    """`count` copies of a structure, each atom displaced along x, y and z by Gaussian noise.

    `displacements_A` are standard deviations, which take turns: structure i has that at i modulo their number, so
    that each has an equal share, and a larger `count` only adds structures.
    """

    count: PositiveInt
    displacements_A: tuple[Annotated[PositiveFloat, AllowInfNan(False)], ...] = Field(min_length=1)
    seed: int = Field(default=1, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _shares(self) -> Self:
        different = {millionths(sigma) for sigma in self.displacements_A}
        if len(different) < len(self.displacements_A) or 0 in different:
            raise ValueError(f"displacements_A must differ by 1e-6 Å or more: {list(self.displacements_A)}")
        if self.count < len(self.displacements_A):
            raise ValueError(
                f"count ({self.count}) leaves some of the {len(self.displacements_A)} displacements_A without a "
                "structure: raise it, or give fewer displacements"
            )
        return self


class SweepSettings(Settings):
    """Langevin MD through rising temperatures, `steps` at each, without a break.

    At each temperature the first `discard` steps equilibrate; of the others, those that `every` divides, counted
    from the first step at this temperature, are kept. It explodes where its temperature passes
    `max_temperature_ratio` times that asked for.
    """

    temperatures_K: tuple[PositiveFloat, ...] = Field(
        default=(100.0, 200.0, 300.0, 400.0, 500.0), min_length=1
    )
    steps: PositiveInt = 400
    timestep_fs: PositiveFloat = 1.0
    friction_per_fs: PositiveFloat = 0.01
    every: PositiveInt = 5
    discard: NonNegativeInt = 100
    seed: int = Field(default=1, ge=0, lt=2**32)
    max_temperature_ratio: float = Field(default=5.0, gt=1)

    @property
    def total_steps(self) -> int:
        return self.steps * len(self.temperatures_K)

    @property
    def frames(self) -> int:
        """How many are kept."""
        return len(self.temperatures_K) * (self.steps // self.every - self.discard // self.every)

    def keeps(self, step: int) -> bool:
        """Whether the frame after `step` steps from the start of the sweep is kept."""
        within = (step - 1) % self.steps + 1
        return within > self.discard and within % self.every == 0

    @model_validator(mode="after")
    def _rises(self) -> Self:
        asked = self.temperatures_K
        if list(asked) != sorted(set(asked)):
            raise ValueError(f"temperatures_K must rise from step to step: {list(asked)}")
        return self

    @model_validator(mode="after")
    def _keeps_frames(self) -> Self:
        if self.frames < 1:
            raise ValueError(
                f"the sweep keeps no frame: of {self.steps} steps at each temperature the first {self.discard} are "
                f"discarded, and {self.every} divides none of the others; lower discard or every, or raise steps"
            )
        return self


class SamplingSettings(Settings):
    """Structures to label: rattled ones, frames of a sweep, or both."""

    rattles: RattleSettings | None = None
    sweep: SweepSettings | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.rattles is None and self.sweep is None:
            raise ValueError("nothing is sampled: give rattles, a sweep, or both")
        return self


class SweepTask(Settings):
    """A sweep that starts from `structure` at rest, moved by an engine at `level`, or by the sum of trained models.

    Models compute in `dtype`.
    """

    key: str
    system: str
    structure: Structure
    settings: SweepSettings
    engine: EngineChoice | None = None
    level: str | None = None
    dtype: str = "float64"

    @model_validator(mode="after")
    def _has_forces(self) -> Self:
        if len(self.structure.symbols) < 2:
            raise ValueError("a sweep needs at least two atoms: its centre of mass is fixed")
        if (self.engine is None) != (self.level is None):
            raise ValueError(f"an engine and its level go together: engine {self.engine}, level {self.level}")
        if self.engine is None:
            return self
        known = self.engine.levels()
        if not known.get(self.level or "", False):
            with_forces = sorted(level for level, forces in known.items() if forces)
            raise ValueError(
                f"{self.engine.kind} has no forces at level {self.level!r}: a sweep can run at {with_forces}"
            )
        return self


def millionths(sigma_A: float) -> int:
    """In 1e-6 Å."""
    return round(sigma_A * 1e6)
