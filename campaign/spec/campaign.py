"""A campaign: what its user asks for, as written, and as resolved for the database."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from campaign.spec.chains import Chains, NoChain, check_chains
from campaign.spec.demands import Demands, RetrySpec, StageName
from campaign.spec.dynamics import Dynamics, potentials
from campaign.spec.errors import nearest
from campaign.spec.labelling import (
    Asked,
    Engines,
    FrozenPhononSpec,
    LabellingSpec,
    SamplingSpec,
    SweepSpec,
    refuse_unfit,
    refuse_without_born,
)
from campaign.spec.levels import LEVELS, Model
from campaign.spec.located import MayBeEmpty, inside, located
from campaign.spec.mace import MaceSpec, training_settings
from campaign.spec.nac import BornSpec
from campaign.spec.parts import IntMatrix, SystemSpec, UntilSpec
from campaign.spec.reference import ResolvedReference
from campaign.spec.sizes import DEFAULT, Size, Sizes
from flows.labelling.settings import MatchingSettings, PublishedFile
from flows.phonons.settings import NacSettings, PhononSettings
from flows.records import Structure
from flows.resources import Resources
from flows.settings import Settings
from flows.training.force_constants.settings import ForceConstantSettings
from flows.training.names import ModelName
from flows.training.settings import TrainingSettings

CampaignName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
# system names are keys of stored documents and of overrides, where a point separates
SystemName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} twice; name each once")
    return values


Models = Annotated[tuple[Model, ...], Field(min_length=1), AfterValidator(_each_once)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_each_once)]


class TrainingSpec(Settings):
    """Seeds, sizes, and how sets are drawn: `split_seed` draws the same sets for every seed and model."""

    seeds: Seeds = (5192, 5391, 5735, 7271, 861)
    split_seed: int = Field(default=1, ge=0, lt=2**32)
    valid_fraction: float = Field(default=0.1, gt=0, lt=1)  # of the set, never of its test part
    sizes: Sizes = {"full": {DEFAULT: "full"}, "half": {DEFAULT: 98}}  # noqa: RUF012  # pydantic copies defaults


class BudgetSpec(Settings):
    """What may be spent on the campaign: what would go beyond it is not asked of a scheduler any more."""

    core_hours: float = Field(gt=0)  # walltime x cores of the allocations, each for the part of the work that is its own


class Gap(NamedTuple):
    """A model that a system cannot have, and why."""

    system: str
    model: str
    why: str


class _Campaign(Settings):
    """What a campaign is, whether its systems are as written or resolved."""

    campaign: CampaignName
    systems: dict[SystemName, Any] = Field(min_length=1)
    models: Models
    training: Annotated[TrainingSpec, MayBeEmpty] = TrainingSpec()
    mace: Annotated[MaceSpec, MayBeEmpty] = MaceSpec()
    force_constants: Annotated[ForceConstantSettings, MayBeEmpty] = ForceConstantSettings()  # of differences, _fc
    phonons: Annotated[PhononSettings, MayBeEmpty] = PhononSettings()
    matching: Annotated[MatchingSettings, MayBeEmpty] = MatchingSettings()
    dynamics: Dynamics | None = None  # None: no MD
    engines: Engines = {}  # noqa: RUF012  # pydantic copies defaults
    labelling: Annotated[LabellingSpec, MayBeEmpty] = LabellingSpec()
    budget: BudgetSpec | None = None  # None: no limit
    resources: dict[StageName, Resources] = {}  # noqa: RUF012
    retry: Annotated[RetrySpec, MayBeEmpty] = RetrySpec()

    @cached_property
    def chains(self) -> Chains:
        """What its differences are added to."""
        levels = (item for system in self.systems.values() for item in system.levels.items())
        return Chains(self.models, {name: one.in_place_of for name, one in levels if one.in_place_of is not None})

    @property
    def demands(self) -> Demands:
        """What its jobs ask of machines."""
        return Demands(resources=self.resources, retry=self.retry)

    def training_settings(self, system: str, model: str) -> TrainingSettings:
        """MACE settings of `model` in `system`: see `campaign.spec.mace.training_settings` for what wins."""
        return training_settings(ModelName.parse(model).kind, self.mace, self.systems[system].mace)

    def sizes(self, system: str, model: str) -> dict[str, str | int | float]:
        """The sizes of `model` in `system` by name; `campaign.spec.count` turns one into a number."""
        named = self.systems[system].sizes or self.training.sizes
        return {name: sizes.get(model, sizes.get(DEFAULT, "full")) for name, sizes in named.items()}

    @model_validator(mode="after")
    def _dynamics_fit_models(self) -> _Campaign:
        if self.dynamics is not None:
            named = {name: self.systems[name].sizes or self.training.sizes for name in self.systems}
            sizes = list(dict.fromkeys(size for sizes in named.values() for size in sizes))
            self.dynamics.check(self.models, self.training.seeds, sizes)
        return self

    @model_validator(mode="after")
    def _sizes_fit_models(self) -> _Campaign:
        self._check_sizes(self.training.sizes, ("training", "sizes"))
        for name, system in self.systems.items():
            if system.sizes is not None:
                self._check_sizes(system.sizes, ("systems", name, "sizes"))
        return self

    def _check_sizes(self, named: dict[str, dict[str, Any]], loc: tuple[str, ...]) -> None:
        for name, sizes in named.items():
            for model in sizes:
                if model != DEFAULT and model not in self.models:
                    advice = nearest(model, (*self.models, DEFAULT))
                    raise located((*loc, name, model), f"{model!r} is not in models; {advice}")
            missing = [model for model in self.models if model not in sizes]
            if missing and DEFAULT not in sizes:
                raise located((*loc, name), f"has no size for {', '.join(missing)}; add default")


class CampaignSpec(_Campaign):
    """A campaign as its user writes it."""

    systems: dict[SystemName, SystemSpec] = Field(min_length=1)

    @model_validator(mode="after")
    def _engines_fit_levels(self) -> CampaignSpec:
        for name, system in self.systems.items():
            engines = {**self.engines, **system.engines}
            for level, one in system.levels.items():
                if one.engine is not None:
                    with inside("systems", name, "levels", level):
                        refuse_unfit(level, Asked(one.engine, one.method, one.functional, one.forces), engines)
            if system.nac is not None and system.nac.engine is not None:
                with inside("systems", name, "nac"):
                    refuse_without_born(system.nac.engine, engines)
        return self

    @model_validator(mode="after")
    def _levels_of_models_are_known(self) -> CampaignSpec:
        known = dict.fromkeys([*LEVELS, *(level for system in self.systems.values() for level in system.levels)])
        for number, model in enumerate(self.models):
            for level in ModelName.parse(model).levels:
                if level not in known:
                    raise located(("models", number), f"{level!r} is no level of theory, and none of levels; {nearest(level, known)}")
        return self

    @model_validator(mode="after")
    def _differences_are_added_to_something(self) -> CampaignSpec:
        for name, system in self.systems.items():
            for level, one in system.levels.items():
                if one.in_place_of is not None and self.chains.below(level) != one.in_place_of:
                    others = f"{level} is in place of {self.chains.below(level)} in another system: models are the same for all"
                    raise located(("systems", name, "levels", level, "in_place_of"), f"{others}; say the same in both")
                if one.in_place_of is not None and not any(level in ModelName.parse(model).levels for model in self.models):
                    why = f"nothing of models is taken against {level}; add a difference, such as ccsd(t)-{level}"
                    raise located(("systems", name, "levels", level, "in_place_of"), why)
        try:
            check_chains(self.chains)
        except NoChain as error:
            raise located(("models",), str(error)) from None
        return self

    @model_validator(mode="after")
    def _targets_have_a_model(self) -> CampaignSpec:
        names = [ModelName.parse(model) for model in self.models]
        for name, system in self.systems.items():
            for level, one in system.levels.items():
                if one.until is not None and not any(each.method == "fc" and each.level == level for each in names):
                    why = f"nothing says how sure {level} is: add a difference by force constants to models, such as {level}-dft_fc"
                    raise located(("systems", name, "levels", level, "until"), why)
                if one.until is not None and (blind := self._without_forces(system, level)):
                    why = f"rounds need forces of {blind}, to which {level} is added, and it has none (forces: true)"
                    raise located(("systems", name, "levels", level, "until"), f"{why}; remove it")
        return self

    def _without_forces(self, system: SystemSpec, level: str) -> str:
        """The level below the first difference by force constants to `level`, where it is none with forces of its own."""
        for model in self.models:
            name = ModelName.parse(model)
            if name.method == "fc" and name.level == level:
                under = self.chains.stands_for(self.chains.parts(model)[-2])
                one = system.levels.get(under[0])
                return under[0] if len(under) > 1 or (one is not None and not one.forces and f"{under[0]}_ef" not in self.models) else ""
        return ""

    @model_validator(mode="after")
    def _sweeps_have_forces(self) -> CampaignSpec:
        for name, system in self.systems.items():
            sweep = system.sampling.sweep if system.sampling is not None else None
            if sweep is not None:
                with inside("systems", name, "sampling", "sweep"):
                    _check_sweep(sweep, name, system, self)
        return self


def _check_sweep(sweep: SweepSpec, name: str, system: SystemSpec, campaign: CampaignSpec) -> None:
    if sweep.level is not None:
        movers = [level for level, one in system.levels.items() if one.engine is not None and one.forces]
        if sweep.level not in movers:
            raise located(("level",), f"{sweep.level!r} has no engine with forces here; {nearest(sweep.level, movers)}")
    if sweep.model is not None:
        earlier = list(campaign.systems)[: list(campaign.systems).index(name)]
        if sweep.model.system not in earlier:
            advice = nearest(sweep.model.system, earlier)
            raise located(("model", "system"), f"{sweep.model.system!r} is no system above this one; {advice}")
        known: dict[str, list[Any]] = {"model": potentials(campaign.models), "seed": list(campaign.training.seeds)}
        for key, values in known.items():
            value = getattr(sweep.model, key)
            if value not in values:
                raise located(("model", key), f"{value!r} is not trained; {nearest(str(value), map(str, values))}")


class ResolvedLevel(Settings):
    """The files with the labels of a level, or the engine that computes them; neither: a gap.

    `absent` names files of an example that its user does not have.
    """

    files: tuple[PublishedFile, ...] = ()
    absent: tuple[str, ...] = ()
    forces: bool = False
    functional: str | None = None
    engine: str | None = None
    structures: Size = "full"
    draw: Literal["random", "stratified", "informative", "farthest"] = "random"
    until: UntilSpec | None = None
    phonons: bool = False
    method: str | None = None  # what its engine computes, where it is not called so
    in_place_of: str | None = None


class ResolvedSystem(Settings):
    """A system with its structures made: `phonon_supercell` is of the primitive cell."""

    conventional: Structure
    primitive: Structure
    training: Structure
    big: Structure
    phonon_supercell: IntMatrix
    levels: dict[str, ResolvedLevel]
    mace: MaceSpec = MaceSpec()
    sizes: Sizes | None = None
    nac: NacSettings | None = None
    born: BornSpec | None = None  # what an engine computes: nac, once it is there
    reference: dict[str, ResolvedReference] = {}  # noqa: RUF012  # pydantic copies defaults
    engines: Engines = {}  # noqa: RUF012
    sampling: SamplingSpec | None = None
    frozen_phonon: FrozenPhononSpec | None = None

    def method(self, level: str) -> str:
        """What the labels of a level bear as theirs: of an engine, what it computes."""
        one = self.levels[level]
        return one.method or level if one.engine is not None else level

    @property
    def labelled_by_engines(self) -> bool:
        """Whether any of its levels is."""
        return any(level.engine is not None for level in self.levels.values())

    @property
    def sampled_by_md(self) -> bool:
        """Whether some of its structures are known only when an MD has run."""
        return self.sampling is not None and self.sampling.sweep is not None

    @property
    def awaits_born(self) -> bool:
        """Whether its Born charges are still to be computed: what its phonons are to be is not known before."""
        return self.born is not None and self.nac is None


class ResolvedSpec(_Campaign):
    """A campaign as the database keeps it: plain JSON without paths, from which any node can plan."""

    schema_version: int = 1
    systems: dict[SystemName, ResolvedSystem] = Field(min_length=1)
    overrides: tuple[str, ...] = ()

    @property
    def has_targets(self) -> bool:
        """Whether any level is labelled until its frequencies are sure enough."""
        return any(level.until is not None for system in self.systems.values() for level in system.levels.values())


def gaps(spec: ResolvedSpec) -> tuple[Gap, ...]:
    """Every (system, model) whose labels the spec does not name: to be reported, no reason to stop."""
    found = (
        Gap(name, model, why)
        for name, system in spec.systems.items()
        for model in spec.models
        if (why := _why_not(system, ModelName.parse(model), spec.chains.trained_on(model)))
    )
    return tuple(found)


def _why_not(system: ResolvedSystem, model: ModelName, levels: tuple[str, ...]) -> str:
    for level in dict.fromkeys(levels):
        one = system.levels.get(level)
        if one is None or not (one.files or one.engine):
            absent = ", ".join(one.absent) if one is not None else ""
            why = f"{absent}, which the example names, is not there" if absent else f"levels.{level} names no data and no engine"
            return f"no labels of {level}: {why}"
    if model.needs_forces and not system.levels[model.level].forces:
        return f"no forces of {model.level}: levels.{model.level}.forces is not true"
    return ""
