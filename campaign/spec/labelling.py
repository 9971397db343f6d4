"""Labels of a campaign's own: engines by name, structures to be drawn, how labelling goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

from campaign.spec.errors import nearest
from campaign.spec.located import located
from flows.labelling.engines.known import EngineChoice
from flows.labelling.engines.protocol import EngineSettings
from flows.labelling.sampling.settings import SamplingSettings, SweepSettings
from flows.settings import Settings


def _named_kinds(value: Any) -> Any:
    """An engine whose `kind` is not given is of the kind that its name says."""
    if not isinstance(value, dict):
        return {} if value is None else value
    return {
        name: {"kind": name} if one is None else {"kind": name, **one} if isinstance(one, dict) else one
        for name, one in value.items()
    }


Engines = Annotated[dict[str, EngineChoice], BeforeValidator(_named_kinds)]


class LabellingSpec(Settings):
    """How labelling goes on. None of it decides a number, so none of it is part of a key.

    A job takes as many structures as `job_minutes` hold by the measured cost of one; until a cost is known,
    `pilots` jobs of one structure each measure it. `structures_per_job` fixes the number instead. A level goes
    on without the labels that failed, as long as they are no more than the fraction `tolerance`.
    """

    tolerance: float = Field(default=0.05, ge=0, le=1)
    job_minutes: PositiveFloat = 30
    structures_per_job: PositiveInt | None = None
    pilots: PositiveInt = 4


class ModelChoice(Settings):
    """A model of another system of the campaign."""

    system: str
    model: str
    seed: int
    size: str = "full"


class SweepSpec(SweepSettings):
    """A sweep, and what moves its atoms: an engine at `level`, or a `model` that another system trains."""

    level: str | None = None
    model: ModelChoice | None = None

    def settings(self) -> SweepSettings:
        """How the MD runs."""
        return SweepSettings(**{name: getattr(self, name) for name in SweepSettings.model_fields})

    @model_validator(mode="after")
    def _one_potential(self) -> SweepSpec:
        if (self.level is None) == (self.model is None):
            raise ValueError("what moves the atoms? give either level (an engine has its forces) or model")
        return self


class SamplingSpec(SamplingSettings):
    """Structures to label: rattled ones, frames of a sweep, or both."""

    sweep: SweepSpec | None = None


class FrozenPhononSpec(Settings):
    """The optical mode at Γ of every level of an engine, by energies alone: see `flows.phonons.frozen`."""

    displacements_A: tuple[PositiveFloat, ...] = Field(default=(0.04, 0.08), min_length=2)


def refuse_unfit(level: str, name: str, engines: Mapping[str, EngineSettings], forces: bool) -> None:
    """That the engine `name` exists and computes `level`, with forces if asked.

    Raises:
        PydanticCustomError: it does not; seen from the level.
    """
    engine = engines.get(name)
    if engine is None:
        raise located(("engine",), f"no engine {name!r} in engines; {nearest(name, engines)}")
    offered = engine.levels()
    if level not in offered:
        raise located(("engine",), f"{name} ({engine.kind}) computes no {level}; it has {', '.join(offered)}")
    if forces and not offered[level]:
        raise located(("forces",), f"{name} ({engine.kind}) has no forces at {level}; remove it")
