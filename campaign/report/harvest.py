"""The seeds of each model and size: which records are there, which are missing and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from campaign.planning.plan import Work
from campaign.planning.work import is_model
from campaign.report.level_labels import LevelLabels, level_labels
from campaign.report.titles import title_of
from campaign.results import unstable
from campaign.results.campaign import Campaign
from campaign.results.result import Result
from campaign.results.seeds import SharedVerdict
from campaign.results.thermal import ThermalResult
from flows.keys import digest
from flows.records import PhononFacts, Record, SummedModel, TrainedModelFacts, Vibrations
from flows.training.names import ModelName

R = TypeVar("R", bound=Record)

PAGE_TEMPERATURES_K = tuple(20.0 * number for number in range(76))


@dataclass(frozen=True)
class SeedGroup(Generic[R]):
    """A model of one size in one system: the results of its seeds, and `missing` ones with their state."""

    works: tuple[Work, ...]
    results: tuple[Result[R], ...]
    missing: dict[int, str]

    @property
    def model(self) -> str:
        return self.works[0].model

    def facts(self) -> dict[str, Any]:
        """The fields of a `SeedSet`."""
        records: list[Any] = [one.record for one in self.results]
        return {
            "model": self.model,
            "title": title_of(self.model),
            "seeds": tuple(one.work.seed for one in self.results),
            "missing": self.missing,
            **SharedVerdict.of(records)._asdict(),
            "unstable": unstable.text(unstable.worst(records)) if isinstance(records[0], PhononFacts) else "",
            "key_of_seed": {one.work.seed: one.work.key for one in self.results},
        }


@dataclass(frozen=True)
class Harvest:
    """A campaign as its figures need it: groups of seeds, in the order of the plan.

    `levels` holds phonons of levels themselves by system and level, beside those that are in the campaign.
    """

    campaign: Campaign
    levels: Mapping[tuple[str, str], PhononFacts] = field(default_factory=dict)

    def phonons(self, system: str, size: str) -> dict[str, SeedGroup[PhononFacts]]:
        """By model; also those without any result."""
        return self._groups("phonons", self.campaign.phonons(), (system, size))

    def hessians(self, system: str, size: str) -> dict[str, SeedGroup[PhononFacts]]:
        """Phonons in the cell of the MD, by model; also those without any result."""
        return self._groups("hessian", self.campaign.hessians(), (system, size))

    def vibrations(self, system: str, size: str) -> dict[str, SeedGroup[Vibrations]]:
        """By model; also those without any result."""
        return self._groups("vibrations", self.campaign.vibrations(), (system, size))

    def trainings(self, system: str, size: str) -> dict[str, SeedGroup[TrainedModelFacts]]:
        """By model; also those without any result."""
        return self._groups("train", self.campaign.trainings(), (system, size))

    def sums(self, system: str, size: str) -> dict[str, SeedGroup[SummedModel]]:
        """By model; also those without any result."""
        return self._groups("sum", self.campaign.sums(), (system, size))

    def direct(self, system: str) -> dict[str, PhononFacts]:
        """Phonons of levels themselves, by level."""
        own = [one for one in self.campaign.phonons() if not is_model(one.work.model)]
        found = {one.work.model: one.record for one in own if one.work.system == system}
        return found | {level: one for (name, level), one in self.levels.items() if name == system}

    def sizes(self, system: str) -> list[str]:
        """The sizes that the plan has, `full` first as in the spec."""
        works = [work for work in self.campaign.plan.work.values() if work.system == system]
        return list(dict.fromkeys(work.size for work in works if work.size and is_model(work.model)))

    def base(self, model: str) -> str | None:
        """The level to which the difference of a sum is added; None of what is no sum."""
        below = self.below(model)
        return None if below is None else ModelName.parse(below).level

    def below(self, model: str) -> str | None:
        """The model to which the difference of a sum is added: of energies and forces, or a sum itself."""
        difference = self.difference(model)
        if difference is None:
            return None
        below = ModelName.parse(self.campaign.spec.chains.parts(difference)[-2])
        return str(below if below.base is None else ModelName("sum", below.level, method=below.method))

    def difference(self, model: str) -> str | None:
        """The last difference in a sum."""
        name = ModelName.parse(model)
        names = {one: ModelName.parse(one) for one in self.campaign.spec.models} if name.kind == "sum" else {}
        alike = (one for one, other in names.items() if other.base is not None and (other.level, other.method) == (name.level, name.method))
        return next(alike, None)

    def stands_for(self, model: str) -> tuple[str, ...]:
        """The levels whose energies, + - + ..., a model is to give: one, or those of a composite."""
        difference = self.difference(model)
        return (ModelName.parse(model).level,) if difference is None else self.campaign.spec.chains.stands_for(difference)

    def level_itself(self, model: str) -> str:
        """The level whose own phonons those of a model are held against; empty where it stands for a composite, which has none."""
        level, *others = self.stands_for(model)
        return "" if others else level

    def labelled(self, system: str) -> dict[str, LevelLabels]:
        """What the engines of a system have labelled, by level; nothing where labels are published."""
        return self._labelled[system]

    @cached_property
    def _labelled(self) -> dict[str, dict[str, LevelLabels]]:
        return {name: level_labels(self.campaign, name) for name in self.campaign.spec.systems}

    @cached_property
    def thermal(self) -> dict[str, ThermalResult]:
        """Thermal properties by the key of the phonons that they are of, as figures and tables of the page show them."""
        return {one.work.key: one for one in self.campaign.thermal(PAGE_TEMPERATURES_K)}

    @cached_property
    def states(self) -> Mapping[str, str]:
        """The state of every piece of work, by key."""
        return {key: str(state) for key, state in self.campaign.status.states.items()}

    @property
    def fingerprint(self) -> str:
        """Of what a page of this campaign rests on: what is asked for, how far it is, what is wrong or not sure."""
        from campaign import __version__

        asked = self.campaign.spec.model_dump(mode="json")
        faulty = [one.text() for one in self.campaign.plan.faulty] + [one.text() for one in self.campaign.plan.by_path]
        return digest("page", 1, by=__version__, asked=asked, states=dict(self.states), faulty=faulty)

    def _groups(
        self, stage: str, results: Sequence[Result[R]], place: tuple[str, str]
    ) -> dict[str, SeedGroup[R]]:
        works = [
            work
            for work in self.campaign.plan.of_stage(stage)
            if (work.system, work.size) == place and is_model(work.model)
        ]
        done = {one.work.key: one for one in results}
        return {
            model: self._group([work for work in works if work.model == model], done)
            for model in dict.fromkeys(work.model for work in works)
        }

    def _group(self, works: Iterable[Work], done: Mapping[str, Result[R]]) -> SeedGroup[R]:
        asked = tuple(works)
        missing = {
            work.seed: self.states[work.key]
            for work in asked
            if work.key not in done and work.seed is not None
        }
        return SeedGroup(asked, tuple(done[work.key] for work in asked if work.key in done), missing)
