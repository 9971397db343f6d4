"""What a campaign asks for: `plan(spec, known) -> work`, a pure function.

Every piece of work has a key made from what it computes, and names the keys of the work that it needs. What is
there already, or fails, is not the plan's concern: `campaign.steering.status` compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from campaign.planning.born import born_work, with_born
from campaign.planning.chunks import Chunks
from campaign.planning.crystal import direct_phonons_work, hessian_work, phonons_work, vibrations_work
from campaign.planning.faulty_labels import FaultyLabels, faulty_labels
from campaign.planning.forecasts import forecast_work, forecasts
from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import LabelRequests, label_requests, label_set
from campaign.planning.labels_by_path import LabelsByPath, labels_by_path
from campaign.planning.lacking import Lacking, lacking
from campaign.planning.pilots import StoppedLevel
from campaign.planning.rounds import labelled_as
from campaign.planning.sampling import sampling
from campaign.planning.work import Coordinates
from campaign.planning.work import Work as Work
from campaign.spec import Gap, ResolvedSpec, SizeError, count, gaps
from flows.keys import digest
from flows.records import LabelSet
from flows.training.force_constants.settings import ForceConstantTask
from flows.training.names import ModelName
from flows.training.settings import SummingTask, TrainingTask
from flows.training.splits import Split, SplitError, split, unseen


@dataclass(frozen=True)
class Plan:
    """All work of a campaign by key, inputs before what needs them, what it cannot have, the labels of a faulty version
    that some of it stands in for, those of files that were known by their paths alone, structures that have no label at a
    level, the levels that are stopped, and by system what is asked of engines (not kept with it)."""

    campaign: str
    work: dict[str, Work]
    gaps: tuple[Gap, ...] = ()
    faulty: tuple[FaultyLabels, ...] = ()
    by_path: tuple[LabelsByPath, ...] = ()
    lacking: tuple[Lacking, ...] = ()
    stopped: tuple[StoppedLevel, ...] = ()
    requests: Mapping[str, LabelRequests] = field(default_factory=dict)

    def of_stage(self, stage: str) -> list[Work]:
        return [work for work in self.work.values() if work.stage == stage]

    @cached_property
    def dependents(self) -> Mapping[str, int]:
        """How many pieces of work wait for each, directly or not. What a sampling, or Born charges, lead to cannot be named yet: one."""
        waiting: dict[str, set[str]] = {key: set() for key in self.work}
        for key in reversed(self.work):
            for need in self.work[key].needs:
                if need in waiting:
                    waiting[need] |= {key, *waiting[key]}
        return {key: len(found) or int(self.work[key].stage in ("sample", "born")) for key, found in waiting.items()}


def plan(spec: ResolvedSpec, known: Knowledge) -> Plan:
    """All work that `spec` asks for, given what is `known` (a system without labels, published or to be
    computed, is all gaps)."""
    spec = with_born(spec, known.born)
    missing = gaps(spec)
    named = {(gap.system, gap.model) for gap in missing}
    planned: dict[str, Work] = {}
    faulty: tuple[FaultyLabels, ...] = ()
    by_path: tuple[LabelsByPath, ...] = ()
    lacks: tuple[Lacking, ...] = ()
    stopped: tuple[StoppedLevel, ...] = ()
    requests: dict[str, LabelRequests] = {}
    for name in spec.systems:
        system = _SystemPlan(spec, name, known, planned)
        models = [model for model in spec.models if (name, model) not in named]
        planned.update((work.key, work) for work in system.all_work(models) if work.key not in planned)
        missing += tuple(system.gaps)
        if system.asked is not None:
            faulty += tuple(faulty_labels(name, system.asked, known))
            by_path += tuple(labels_by_path(spec, name, system.asked, known))
            stopped += tuple(system.stopped)
            requests[name] = system.asked
        if system.labels is not None:
            lacks += tuple(lacking(name, spec.systems[name], system.labels, system.asked, known))
    return Plan(spec.campaign, planned, missing, faulty, by_path, lacks, stopped, requests)


@dataclass
class _SystemPlan:
    spec: ResolvedSpec
    system: str
    known: Knowledge
    above: Mapping[str, Work]  # of the systems before this one
    gaps: list[Gap] = field(default_factory=list)
    asked: LabelRequests | None = None  # of engines
    labels: LabelSet | None = None
    chunks: list[Work] = field(default_factory=list)
    trainings: dict[tuple[str, str, int | None], Work] = field(default_factory=dict)
    stopped: list[StoppedLevel] = field(default_factory=list)

    def all_work(self, models: list[str]) -> Iterator[Work]:
        if (born := born_work(self.spec, self.system)) is not None:
            yield born
        yield from self._labelling()
        yield from self._direct()
        if self.labels is not None and not self.labels.labels:
            reason = "; ".join(f"{one.level}: {one.reason}" for one in self.labels.set_aside)
            self.gaps += [Gap(self.system, model, f"no labels can be used: {reason}") for model in models]
        elif self.labels is not None:
            yield from self._forecasts(models, self.labels)
            yield from self._models([model for model in models if self._tolerated(model)])

    def _labelling(self) -> Iterator[Work]:
        """What engines are to compute first, and the labels that there are then."""
        cells = self.spec.systems[self.system]
        self.labels = self.known.label_sets.get(self.system)
        engines = dict.fromkeys(level.engine for level in cells.levels.values() if level.engine is not None)
        if not engines or (self.labels is not None and not self.labels.labels):
            return
        sweep = sampling(self.spec, self.system, self.above, self.known)
        yield from sweep
        self.asked = label_requests(self.spec, self.system, self.known)
        for engine in engines:
            shared_out = Chunks(self.spec, self.system, engine, self.asked, self.known)
            self.chunks += shared_out.work()
            self.stopped += shared_out.stopped()
        yield from self.chunks
        drawn = not cells.sampled_by_md or self.system in self.known.sweeps
        self.labels = label_set(self.spec, self.system, self.asked, self.known) if drawn else None

    def _tolerated(self, model: str) -> bool:
        """Whether enough of the labels that a model needs have not failed; a gap if not."""
        if self.asked is None:
            return True
        for level in dict.fromkeys(self._levels(model)):
            failed, every = len(self.asked.failures(self.known, level)), len(self.asked.labels.get(level, {}))
            tolerance = self.spec.labelling.tolerance
            if failed > tolerance * every:
                why = (
                    f"{failed} of {every} labels of {level} failed, more than labelling.tolerance = {tolerance:g} "
                    f"allows: latticefarm results {self.spec.campaign} failures"
                )
                self.gaps.append(Gap(self.system, model, why))
                return False
        return True

    def _awaited(self, model: str) -> tuple[str, ...]:
        """The chunks that still have to compute labels of a model, and the forecasts that say whether there will be more."""
        if self.asked is None:
            return ()
        levels = self._levels(model)
        more = [found.awaited for level, found in self.asked.rounds.items() if level in levels and found.awaited]
        return (*self._computing(self.asked.missing(self.known, levels)), *more)

    def _forecasts(self, models: list[str], labels: LabelSet) -> Iterator[Work]:
        """How sure each model by force constants is, before its labels and after."""
        for model in models:
            if ModelName.parse(model).method == "fc":
                for task in forecasts(self.spec, self.system, model, self.asked, labels):
                    parts = {*task.pool, *(key for row in task.labelled for key in row)}
                    yield forecast_work(task, self._computing({key for key in parts if not self.known.settled(key)}))

    def _computing(self, labels: set[str]) -> tuple[str, ...]:
        """The chunks that any of `labels` is in."""
        return tuple(one.key for one in self.chunks if not labels.isdisjoint(one.parts))

    def _models(self, models: list[str]) -> Iterator[Work]:
        splits = self._splits(models)
        # inputs come before what needs them, however long the chain
        for (model, size), drawn in sorted(splits.items(), key=lambda one: len(self.spec.chains.parts(one[0][0])) > 2):
            below = self.spec.chains.parts(model)[:-1]
            for seed in self.spec.training.seeds:
                trained = self._trained(model, size, seed, drawn)
                yield trained
                if not below:
                    yield from self._crystal(trained, model, (trained.key,))
                elif all((one, size) in splits for one in below):
                    parts = {one: (self._trained(one, size, seed, splits[one, size]), splits[one, size]) for one in below}
                    yield from self._sum(trained, parts, seed)

    def _trained(self, model: str, size: str, seed: int, drawn: Split) -> Work:
        return self._training(model, size, None if ModelName.parse(model).method == "fc" else seed, drawn)

    def _levels(self, model: str) -> tuple[str, ...]:
        """The levels of which one structure needs labels."""
        return self.spec.chains.trained_on(model)

    def _splits(self, models: list[str]) -> dict[tuple[str, str], Split]:
        """Who trains and who tests, for every model and size that the labels at hand allow."""
        drawn = {}
        for model in models:
            keys = self._labelled(model)
            if not keys and (why := self._lost(model)):
                self.gaps.append(Gap(self.system, model, why))
                continue
            for size, asked in self.spec.sizes(self.system, model).items():
                rules = self.spec.training
                try:
                    drawn[model, size] = split(keys, count(asked, len(keys)), rules.split_seed, rules.valid_fraction)
                except (SizeError, SplitError) as error:
                    self.gaps.append(Gap(self.system, model, f"{size}: {error}"))
        return drawn

    def _lost(self, model: str) -> str:
        """Why levels that `model` needs were set aside whole; empty if none was."""
        aside = () if self.labels is None else self.labels.set_aside
        levels = self._levels(model)
        whole = [one for one in aside if one.level in levels and one.file is one.frame is one.structure_key is None]
        return "; ".join(f"no labels of {one.level} can be used: {one.reason}" for one in whole)

    def _labelled(self, model: str) -> list[str]:
        """The structures that have a label at every level that `model` needs."""
        levels = [self._of_level(level) for level in self._levels(model)]
        return [key for key in levels[0] if all(key in level for level in levels)]

    def _of_level(self, level: str) -> dict[str, str]:
        return {} if self.labels is None else self.labels.labels.get(level, {})

    def _label_keys(self, model: str, structures: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        levels = [self._of_level(level) for level in self._levels(model)]
        return tuple(zip(*([level[key] for key in structures] for level in levels), strict=True))

    def _training(self, model: str, size: str, seed: int | None, drawn: Split) -> Work:
        if (model, size, seed) not in self.trainings:
            new = self._new_fit(model, size, drawn) if seed is None else self._new_training(model, size, seed, drawn)
            self.trainings[model, size, seed] = new
        return self.trainings[model, size, seed]

    def _new_training(self, model: str, size: str, seed: int, drawn: Split) -> Work:
        settings = self.spec.training_settings(self.system, model)
        parts = {name: self._label_keys(model, getattr(drawn, name)) for name in ("train", "valid", "test")}
        kind = ModelName.parse(model).kind
        key = digest("train", 1, kind=kind, seed=seed, settings=settings.identity(), **parts)
        about = {"key": key, "system": self.system, "model": model, "seed": seed, "size": size}
        about["labelled_as"] = labelled_as(self.spec, self.system, model)
        task = TrainingTask.model_validate({**about, "settings": settings, **parts})
        return Work(key, "train", self.system, model, seed, size, self._awaited(model), task)

    def _new_fit(self, model: str, size: str, drawn: Split) -> Work:
        """Force constants need no structures to validate on: those train too."""
        settings, primitive = self.spec.force_constants, self.spec.systems[self.system].primitive
        parts = {
            "train": self._label_keys(model, drawn.train + drawn.valid),
            "test": self._label_keys(model, drawn.test),
        }
        key = digest("force-constants", 1, primitive=primitive.key(), settings=settings.identity(), **parts)
        about = {"key": key, "system": self.system, "model": model, "size": size, "primitive": primitive}
        about["labelled_as"] = labelled_as(self.spec, self.system, model)
        task = ForceConstantTask.model_validate({**about, "settings": settings, **parts})
        return Work(key, "train", self.system, model, None, size, self._awaited(model), task)

    def _sum(self, difference: Work, below: Mapping[str, tuple[Work, Split]], seed: int) -> Iterator[Work]:
        """Of a difference and what it is added to, from the bottom, each with who trains and who tests there."""
        name = ModelName.parse(difference.model)
        model = str(ModelName("sum", name.level, method=name.method))
        task = difference.task
        assert isinstance(task, TrainingTask | ForceConstantTask)
        splits = [one for _, one in below.values()]
        if isinstance(task, TrainingTask):
            labels = {part: tuple(keys[0] for keys in getattr(task, part)) for part in ("train", "valid")}
        else:
            labels = self._by_base(difference.model, task, splits[0])
        labels["test"] = self._unseen(difference.model, task, splits)
        base, *between = (one.key for one, _ in below.values())
        needs = (base, *between, difference.key)
        more: dict[str, Any] = {"between_keys": between} if between else {}
        if beside := self._beside(difference.model, labels):
            more["beside"] = beside
        key = digest("sum", 1, base=base, difference=difference.key, labels=labels, **more)
        about = {"key": key, "system": self.system, "model": model, "seed": seed, "size": difference.size}
        summing = SummingTask.model_validate(
            {**about, "base_key": base, "difference_key": difference.key, "labels": labels, **more}
        )
        summed = Work(key, "sum", self.system, model, seed, difference.size, needs, summing)
        yield summed
        yield from self._crystal(summed, model, needs)

    def _by_base(self, model: str, task: ForceConstantTask, base_split: Split) -> dict[str, tuple[str, ...]]:
        """Those that a fit has seen, by whether its base was trained on them: force constants predict each by all others."""
        upper = self._of_level(ModelName.parse(model).level)
        held = {upper[key] for key in base_split.valid if key in upper}
        seen = tuple(keys[0] for keys in task.train)
        return {"train": tuple(one for one in seen if one not in held), "valid": tuple(one for one in seen if one in held)}

    def _beside(self, model: str, labels: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[tuple[str, ...], ...]]:
        """The labels that make composites of those of the upper level of a sum; none where it stands for that as it is."""
        upper, *others = self.spec.chains.stands_for(model)
        if not others:
            return {}
        structures = {label: key for key, label in self._of_level(upper).items()}
        rows = [self._of_level(level) for level in others]
        return {part: tuple(tuple(level[structures[one]] for level in rows) for one in keys) for part, keys in labels.items()}

    def _unseen(self, model: str, task: TrainingTask | ForceConstantTask, below: Iterable[Split]) -> tuple[str, ...]:
        upper = self._of_level(ModelName.parse(model).level)
        by_label = {label: structure for structure, label in upper.items()}
        tested = tuple(by_label[keys[0]] for keys in task.test)
        for one in below:
            tested = unseen(Split((), (), tested), one)
        return tuple(upper[key] for key in tested)

    def _crystal(self, trained: Work, model: str, needs: tuple[str, ...]) -> Iterator[Work]:
        """What is computed with a model that can move a crystal; `needs` are its parts."""
        coordinates = Coordinates(self.system, model, trained.seed, trained.size)
        if not self.spec.systems[self.system].awaits_born:
            yield phonons_work(self.spec, coordinates, needs)
        asked = self.spec.dynamics
        if asked is not None and asked.wants(model, trained.seed, trained.size):
            yield hessian_work(self.spec, coordinates, needs)
            yield vibrations_work(self.spec, coordinates, needs, asked)

    def _direct(self) -> Iterator[Work]:
        """Phonons of levels by the forces of their own engines."""
        for level, keys in (self.asked.direct if self.asked is not None else {}).items():
            awaited = self._computing({key for key in keys if not self.known.settled(key)})
            if failed := [key for key in keys if key in self.known.failed]:
                why = f"{len(failed)} of {len(keys)} displaced supercells failed: its own phonons are not to be had"
                self.gaps.append(Gap(self.system, level, why))
            elif not self.spec.systems[self.system].awaits_born:
                yield direct_phonons_work(self.spec, Coordinates(self.system, level, None, ""), awaited, keys)
