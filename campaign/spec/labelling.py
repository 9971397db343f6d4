"""Labels of a campaign's own: engines by name, structures to be drawn, how labelling goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

from campaign.spec.errors import nearest
from campaign.spec.levels import LEVELS, method_of
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


class Asked(NamedTuple):
    """What a level asks of an engine."""

    engine: str
    method: str | None
    functional: str | None
    forces: bool


def refuse_unfit(level: str, asked: Asked, engines: Mapping[str, EngineSettings]) -> None:
    """That the engine of a level exists and computes what is `asked`, with forces if these are.

    Raises:
        PydanticCustomError: it does not; seen from the level.
    """
    name = asked.engine
    engine = _named(name, engines)
    offered = engine.levels()
    method = method_of(level, asked.method, asked.functional, offered)
    if method is None and asked.method is not None:
        raise located(("method",), f"{name} ({engine.kind}) computes no {asked.method}; it has {', '.join(offered)}")
    if method is None:
        advice = "" if level in LEVELS else f": say which of these {level} is, as in method: {next(iter(offered))}"
        raise located(("engine",), f"{name} ({engine.kind}) computes no {level}; it has {', '.join(offered)}{advice}")
    if asked.functional is not None and method != "dft" and "functional" in type(engine).model_fields:
        raise located(("functional",), f"{name} ({engine.kind}) has no functional in {method}; remove it")
    if asked.forces and not offered[method]:
        raise located(("forces",), f"{name} ({engine.kind}) has no forces at {method}; remove it")


def refuse_without_born(name: str, engines: Mapping[str, EngineSettings]) -> None:
    """That the engine of a `nac` exists and computes Born charges.

    Raises:
        PydanticCustomError: it does not; seen from the `nac`.
    """
    if not (engine := _named(name, engines)).finds_born():
        raise located(("engine",), f"{name} ({engine.kind}) computes no Born charges here; take one of kind espresso or vasp, or give file")


def _named(name: str, engines: Mapping[str, EngineSettings]) -> EngineSettings:
    if name not in engines:
        raise located(("engine",), f"no engine {name!r} in engines; {nearest(name, engines)}")
    return engines[name]
