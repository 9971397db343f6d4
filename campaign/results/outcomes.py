"""What came of a campaign: the plan says what each record is called, the record holds the numbers.

A piece of work that two campaigns share is computed once, under the names of the first. So system, model, seed
and size come from the plan of the campaign that asks, never from the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar

from campaign.planning.crystal import phonons_task
from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import LabelRequests
from campaign.planning.plan import Plan, Work, plan
from campaign.planning.stages import find_stage
from campaign.records import labels
from campaign.records.lookup import all_wanted, known, label_sets
from campaign.records.plans import kept_plan
from campaign.results.errors import UnknownResult
from campaign.results.failed import FailedWork, failed_work
from campaign.results.frozen import FrozenResult, frozen_results
from campaign.results.light import light_phonons, light_trainings
from campaign.results.line import Line, line_phonons
from campaign.results.result import Result
from campaign.results.verdicts import judged, of_parts, updated
from campaign.spec import ResolvedSpec
from campaign.spec.errors import nearest
from campaign.steering.status import Status, status_of
from flows.keys import job_uuid
from flows.records import (
    Drawn,
    Forecast,
    LabelSet,
    PhononFacts,
    Record,
    SummedModel,
    TrainedModelFacts,
    Vibrations,
)
from flows.settings import Settings
from launchers.farm import Farm

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Outcomes:
    """What a campaign asked for and what came of it, as the database had it when first asked.

    With `only`, `spec` has this system alone of those that the campaign asks for. Records are fetched once, stage by stage, without blobs; open the campaign again for newer ones. Verdicts are by
    the rule of today (`campaign.results.verdicts`), also on records of an older one.
    """

    farm: Farm
    spec: ResolvedSpec
    only: str | None = None

    @property
    def name(self) -> str:
        return self.spec.campaign

    @cached_property
    def plan(self) -> Plan:
        """All work that the campaign asks for, done or not."""
        return plan(self.spec, self._known)

    @cached_property
    def layout(self) -> Plan:
        """The same as it was last kept, its work without tasks: read in a tenth of the time. Where it was not kept, the plan."""
        if "plan" in self.__dict__:
            return self.plan
        return kept_plan(self.farm, self.name, self.only) or self.plan

    @cached_property
    def of_one_seed(self) -> Plan:
        """The work of the first seed alone: who trains and who tests is the same with every seed."""
        training = self.spec.training.model_copy(update={"seeds": self.spec.training.seeds[:1]})
        return plan(self.spec.model_copy(update={"training": training}), self._known)

    def of_stage(self, stage: str) -> list[Result[Any]]:
        """The records of any stage, as they were stored; those of a stage with a method of its own are judged there.

        Raises:
            ValueError: there is no such stage; the message names those that there are.
        """
        return self._results(stage, find_stage(stage).record)

    @cached_property
    def status(self) -> Status:
        """How far each piece of work is."""
        return status_of(self.farm, self.plan)

    def label_sets(self) -> dict[str, LabelSet]:
        """The labels of each system that has any."""
        return dict(self._label_sets)

    def forecasts(self) -> list[Result[Forecast]]:
        """How sure phonons by force constants are with so many labels."""
        return list(self._forecasts)

    def trainings(self) -> list[Result[TrainedModelFacts]]:
        """All trained models."""
        return list(self._trainings)

    def sums(self) -> list[Result[SummedModel]]:
        """All sums of a base and a difference."""
        return list(self._sums)

    def phonons(self) -> list[Result[PhononFacts]]:
        """All phonons."""
        return list(self._phonons)

    def frequencies(self) -> list[Result[PhononFacts]]:
        """All phonons without what is drawn: bands and densities of states are empty, thousands are read in seconds.

        Their work may be without its task, as is that of `verdicts` and `sums`.
        """
        return list(self._frequencies)

    def verdicts(self) -> list[Result[TrainedModelFacts]]:
        """All trained models without learning curves, predictions, settings and versions, which are empty."""
        return list(self._verdicts)

    def predictions(self) -> list[Result[TrainedModelFacts]]:
        """All trained models as of `verdicts`, with their predictions."""
        return judged(self.farm, light_trainings(self.farm, self.layout.of_stage("train"), predicted=True), self._task)

    def hessians(self) -> list[Result[PhononFacts]]:
        """Phonons with the force constants of the MD's own cell, of all models that have MD."""
        return list(self._hessians)

    def lines(self) -> dict[str, Line]:
        """What straight lines in E_base alone give, by the key of the phonons of a sum."""
        return dict(self._lines)

    def vibrations(self) -> list[Result[Vibrations]]:
        """All densities of states from MD."""
        return list(self._vibrations)

    def failures(self) -> list[FailedWork]:
        """All work that failed, and how much other work waits for it in vain."""
        return list(self._failures)

    def frozen_phonons(self) -> list[FrozenResult]:
        """The frozen phonons of the levels that an engine labels, as far as their labels are there."""
        return list(self._frozen_phonons)

    def label_requests(self) -> dict[str, LabelRequests]:
        """What each system asks of its engines: structures as they were drawn, label keys by level."""
        return dict(self._wanted)

    def drawn(self) -> dict[str, dict[str, Drawn]]:
        """The structures that each system's engines label, by key, as they were drawn."""
        return {name: dict(asked.drawn) for name, asked in self._wanted.items()}

    def find(self, stage: str, system: str, model: str, seed: int | None, size: str) -> Work:
        """The piece of work at this place of the plan.

        Raises:
            UnknownResult: the campaign asks for nothing there; the message says what it asks for.
        """
        left = self.plan.of_stage(stage)
        for field, value in (("system", system), ("model", model), ("size", size), ("seed", seed)):
            known = list(dict.fromkeys(str(getattr(work, field)) for work in left))
            left = [work for work in left if getattr(work, field) == value]
            if not left:
                raise UnknownResult(
                    f"{self.name}: no {stage} of {field} {value}; {nearest(str(value), known)}"
                )
        return left[0]

    def _task(self, work: Work) -> Settings:
        """What a piece of work is told; the layout does not have it."""
        return self.plan.work[work.key].task

    @cached_property
    def _known(self) -> Knowledge:
        return known(self.farm, self.spec, labels.stored_or_unusable(self.farm, self.spec))

    @cached_property
    def _label_sets(self) -> dict[str, LabelSet]:
        return label_sets(self.farm, self.spec, self._known)

    @cached_property
    def _wanted(self) -> dict[str, LabelRequests]:
        return all_wanted(self.spec, self._known)

    @cached_property
    def _frozen_phonons(self) -> list[FrozenResult]:
        return [
            one
            for system, asked in self._wanted.items()
            for one in frozen_results(self.farm, self.spec, system, asked)
        ]

    @cached_property
    def _forecasts(self) -> list[Result[Forecast]]:
        return self._results("forecast", Forecast)

    @cached_property
    def _trainings(self) -> list[Result[TrainedModelFacts]]:
        return judged(self.farm, self._results("train", TrainedModelFacts))

    @cached_property
    def _models(self) -> dict[str, TrainedModelFacts]:
        """With the names that this campaign gives them."""
        return {one.work.key: updated(one.record, {"model": one.work.model}) for one in self._verdicts}

    @cached_property
    def _verdicts(self) -> list[Result[TrainedModelFacts]]:
        return judged(self.farm, light_trainings(self.farm, self.layout.of_stage("train")), self._task)

    @cached_property
    def _frequencies(self) -> list[Result[PhononFacts]]:
        return list(of_parts(light_phonons(self.farm, self.layout.of_stage("phonons")), self._models))

    @cached_property
    def _sums(self) -> list[Result[SummedModel]]:
        return list(of_parts(self._results("sum", SummedModel, self.layout), self._models))

    @cached_property
    def _phonons(self) -> list[Result[PhononFacts]]:
        return list(of_parts(self._results("phonons", PhononFacts), self._models))

    @cached_property
    def _hessians(self) -> list[Result[PhononFacts]]:
        return list(of_parts(self._results("hessian", PhononFacts), self._models))

    @cached_property
    def _vibrations(self) -> list[Result[Vibrations]]:
        return list(of_parts(self._results("vibrations", Vibrations), self._models))

    @cached_property
    def _lines(self) -> dict[str, Line]:
        return line_phonons(self.farm, self._frequencies, self._verdicts, partial(phonons_task, self.spec))

    @cached_property
    def _failures(self) -> list[FailedWork]:
        return failed_work(self.farm, self.status)

    def _results(self, stage: str, record: type[R], plan: Plan | None = None) -> list[Result[R]]:
        wanted = {job_uuid(work.key): work for work in (plan or self.plan).of_stage(stage)}
        stored: dict[str, dict[str, Any]] = self.farm.records(wanted)
        return [
            Result(work, record.model_validate(stored[uuid]))
            for uuid, work in wanted.items()
            if uuid in stored
        ]
