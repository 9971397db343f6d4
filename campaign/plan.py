"""What a campaign asks for: `plan(spec, label sets) -> work`, a pure function.

Every piece of work has a key made from what it computes, and names the keys of the work that it needs. What is
there already, or fails, is not the plan's concern: `campaign.standing` compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from campaign.spec import Gap, ResolvedSpec, SizeError, count, gaps
from campaign.spec.dynamics import DynamicsSpec
from flows.dynamics.settings import DynamicsTask
from flows.keys import digest
from flows.phonons.settings import PhononTask
from flows.records import LabelSet
from flows.settings import Settings
from flows.training.names import ModelName
from flows.training.settings import SummingTask, TrainingTask
from flows.training.splits import Split, split, unseen

STAGES = ("train", "sum", "phonons", "vibrations")


@dataclass(frozen=True)
class Work:
    """One piece of work: its key, where it stands in the matrix of the campaign, what it needs, what it is told.

    `needs` lists the keys of the records that it reads, in the order in which its job takes them.
    """

    key: str
    stage: str
    system: str
    model: str
    seed: int
    size: str
    needs: tuple[str, ...]
    task: Settings

    @property
    def title(self) -> str:
        """As a table calls it: `train ML(DFT_EF) of diamond, seed 861, full`."""
        return f"{self.stage} {ModelName.parse(self.model).title()} of {self.system}, seed {self.seed}, {self.size}"


@dataclass(frozen=True)
class Plan:
    """All work of a campaign by key, inputs before what needs them, and what it cannot have."""

    campaign: str
    work: dict[str, Work]
    gaps: tuple[Gap, ...] = ()

    def of_stage(self, stage: str) -> list[Work]:
        return [work for work in self.work.values() if work.stage == stage]

    @property
    def awaited(self) -> frozenset[str]:
        """The keys that other work needs."""
        return frozenset(key for work in self.work.values() for key in work.needs)


def plan(spec: ResolvedSpec, label_sets: Mapping[str, LabelSet]) -> Plan:
    """All work that `spec` asks for, given the labels of each system (one without labels is all gaps)."""
    missing = gaps(spec)
    named = {(gap.system, gap.model) for gap in missing}
    planned: dict[str, Work] = {}
    for name in spec.systems:
        if name in label_sets:
            models = [model for model in spec.models if (name, model) not in named]
            system = _SystemPlan(spec, name, label_sets[name])
            planned.update((work.key, work) for work in system.all_work(models) if work.key not in planned)
            missing += tuple(system.gaps)
    return Plan(spec.campaign, planned, missing)


@dataclass
class _SystemPlan:
    spec: ResolvedSpec
    system: str
    labels: LabelSet
    gaps: list[Gap] = field(default_factory=list)

    def all_work(self, models: list[str]) -> Iterator[Work]:
        splits = self._splits(models)
        for (model, size), drawn in splits.items():
            for seed in self.spec.training.seeds:
                trained = self._training(model, size, seed, drawn)
                yield trained
                name = ModelName.parse(model)
                if name.base is None:
                    yield from self._crystal(trained, model, (trained.key,))
                elif (base := splits.get((f"{name.base}_ef", size))) is not None:
                    lower = self._training(f"{name.base}_ef", size, seed, base)
                    yield from self._sum(trained, lower, base)

    def _splits(self, models: list[str]) -> dict[tuple[str, str], Split]:
        """Who trains and who tests, for every model and size that the labels at hand allow."""
        drawn = {}
        for model in models:
            keys = self._labelled(model)
            for size, asked in self.spec.sizes(self.system, model).items():
                try:
                    wanted = count(asked, len(keys))
                except SizeError as error:
                    self.gaps.append(Gap(self.system, model, f"{size}: {error}"))
                    continue
                rules = self.spec.training
                drawn[model, size] = split(keys, wanted, rules.split_seed, rules.valid_fraction)
        return drawn

    def _labelled(self, model: str) -> list[str]:
        """The structures that have a label at every level that `model` needs."""
        levels = [self.labels.labels.get(level, {}) for level in ModelName.parse(model).levels]
        return [key for key in levels[0] if all(key in level for level in levels)]

    def _label_keys(self, model: str, structures: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        levels = [self.labels.labels[level] for level in ModelName.parse(model).levels]
        return tuple(tuple(level[key] for level in levels) for key in structures)

    def _training(self, model: str, size: str, seed: int, drawn: Split) -> Work:
        settings = self.spec.training_settings(self.system, model)
        parts = {name: self._label_keys(model, getattr(drawn, name)) for name in ("train", "valid", "test")}
        kind = ModelName.parse(model).kind
        key = digest("train", 1, kind=kind, seed=seed, settings=settings.identity(), **parts)
        about = {"key": key, "system": self.system, "model": model, "seed": seed, "size": size}
        task = TrainingTask.model_validate({**about, "settings": settings, **parts})
        return Work(key, "train", self.system, model, seed, size, (), task)

    def _sum(self, difference: Work, base: Work, base_split: Split) -> Iterator[Work]:
        name = ModelName.parse(difference.model)
        model = str(ModelName("sum", name.level))
        task = difference.task
        assert isinstance(task, TrainingTask)
        labels = {part: tuple(keys[0] for keys in getattr(task, part)) for part in ("train", "valid")}
        labels["test"] = self._unseen(difference.model, task, base_split)
        needs = (base.key, difference.key)
        key = digest("sum", 1, base=needs[0], difference=needs[1], labels=labels)
        about = {"key": key, "system": self.system, "model": model, "seed": difference.seed, "size": difference.size}
        summing = SummingTask.model_validate(
            {**about, "base_key": needs[0], "difference_key": needs[1], "labels": labels}
        )
        yield Work(key, "sum", self.system, model, difference.seed, difference.size, needs, summing)
        yield from self._crystal(difference, model, needs)

    def _unseen(self, model: str, task: TrainingTask, base_split: Split) -> tuple[str, ...]:
        upper = self.labels.labels[ModelName.parse(model).level]
        by_label = {label: structure for structure, label in upper.items()}
        tested = tuple(by_label[keys[0]] for keys in task.test)
        return tuple(upper[key] for key in unseen(Split((), (), tested), base_split))

    def _crystal(self, trained: Work, model: str, needs: tuple[str, ...]) -> Iterator[Work]:
        """What is computed with a model that can move a crystal; `needs` are its parts."""
        yield self._phonons(trained, model, needs)
        asked = self.spec.dynamics
        if asked is not None and asked.wants(model, trained.seed, trained.size):
            yield self._vibrations(trained, model, needs, asked)

    def _vibrations(self, trained: Work, model: str, needs: tuple[str, ...], asked: DynamicsSpec) -> Work:
        cells = self.spec.systems[self.system]
        normalized_atoms = len(cells.primitive.symbols)  # lies over the harmonic density of states
        key = digest(
            "vibrations",
            1,
            models=list(needs),
            big=cells.big.key(),
            dynamics=asked.settings().identity(),
            vibrations=asked.vibrations.identity(),
            normalized_atoms=normalized_atoms,
        )
        about = {"key": key, "system": self.system, "model": model, "seed": trained.seed, "size": trained.size}
        how = {"big": cells.big, "dynamics": asked.settings(), "vibrations": asked.vibrations}
        task = DynamicsTask.model_validate({**about, **how, "normalized_atoms": normalized_atoms})
        return Work(key, "vibrations", self.system, model, trained.seed, trained.size, needs, task)

    def _phonons(self, trained: Work, model: str, needs: tuple[str, ...]) -> Work:
        cells = self.spec.systems[self.system]
        settings = self.spec.phonons
        key = digest(
            "phonons",
            1,
            models=list(needs),
            primitive=cells.primitive.key(),
            supercell=cells.phonon_supercell,
            settings=settings.identity(),
            # only where it is given: phonons without it keep the keys that they had
            **({"nac": cells.nac.identity()} if cells.nac is not None else {}),
        )
        task = PhononTask(
            key=key,
            system=self.system,
            model=model,
            seed=trained.seed,
            size=trained.size,
            primitive=cells.primitive,
            supercell=cells.phonon_supercell,
            settings=settings,
            nac=cells.nac,
        )
        return Work(key, "phonons", self.system, model, trained.seed, trained.size, needs, task)
