"""The stages of a campaign, in the order in which work goes through them. A new stage is one more entry.

What a stage is stands here alone: its name, the workers that take it, the record that it delivers, how its job is
made, what it may cost before anything like it was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows import records
from flows.dynamics.settings import DynamicsTask
from flows.forecast.settings import ForecastTask
from flows.labelling.engines.task import BornTask, LabelTask
from flows.labelling.sampling.settings import SweepTask
from flows.phonons.settings import DirectPhononTask, PhononTask
from flows.training.force_constants.settings import ForceConstantTask
from flows.training.settings import SummingTask, TrainingTask

if TYPE_CHECKING:
    from jobflow import Job, OutputReference

    from campaign.planning.work import Work

Inputs = Sequence["OutputReference"]

STRUCTURE_S = {"pyscf": 25.0}  # eight atoms in a minimal basis
STEP_S_PER_ATOM = 4e-4
EPOCH_S_PER_STRUCTURE = 0.015
FIT_S = 5.0


@dataclass(frozen=True)
class Stage:
    """One kind of work.

    Workers of `category` take it, and where some have GPUs those for its `device`; its job, made by `job` of a `task` and references to its inputs, delivers a `record`;
    `guess_s` is an order of magnitude of what a task (of labels, one structure) takes on one core with small models.
    `resumes`: stopped anywhere, it goes on where it was. `opens`: what is there then decides what else is asked for, so its campaigns are planned again.
    """

    name: str
    category: str
    device: str
    task: Any
    record: type[records.Record]
    job: Callable[[Any, Inputs], Job]
    guess_s: Callable[[Any], float]
    resumes: bool = False
    opens: bool = False


def _sample(task: Any, inputs: Inputs) -> Job:
    from flows.labelling.sampling.jobs import sweep

    return sweep(task, inputs)


def _label(task: Any, _: Inputs) -> Job:
    from flows.labelling.jobs import label

    return label(task)


def _born(task: Any, _: Inputs) -> Job:
    from flows.labelling.jobs import born

    return born(task)


def _forecast(task: Any, _: Inputs) -> Job:
    from flows.forecast.jobs import forecast

    return forecast(task)


def _train(task: Any, _: Inputs) -> Job:
    from flows.training.jobs import train

    return train(task)


def _sum(task: Any, inputs: Inputs) -> Job:
    from flows.training.jobs import add

    return add(task, *inputs)


def _phonons(task: Any, inputs: Inputs) -> Job:
    from flows.phonons.jobs import direct_phonons, phonons

    return direct_phonons(task) if isinstance(task, DirectPhononTask) else phonons(task, inputs)


def _vibrations(task: Any, inputs: Inputs) -> Job:
    from flows.dynamics.jobs import vibrations

    return vibrations(task, inputs)


def _structure_s(task: LabelTask) -> float:
    atoms = len(task.items[0].structure.symbols)
    return STRUCTURE_S.get(task.engine.kind, 1.0) * (atoms / 8) ** 3


def _training_s(task: TrainingTask | ForceConstantTask) -> float:
    if isinstance(task, ForceConstantTask):
        return FIT_S
    return 10 + EPOCH_S_PER_STRUCTURE * len(task.train) * task.settings.max_epochs


def _md_s(task: DynamicsTask) -> float:
    steps = task.dynamics.starts * (task.dynamics.steps + task.dynamics.equilibration_steps)
    return STEP_S_PER_ATOM * len(task.big.symbols) * steps


def _always(seconds: float) -> Callable[[Any], float]:
    return lambda _: seconds


_ALL: Iterable[Stage] = (
    Stage("sample", "label", "cpu", SweepTask, records.Sweep, _sample, _always(300.0), resumes=True, opens=True),
    Stage("label", "label", "cpu", LabelTask, records.LabelledChunk, _label, _structure_s, resumes=True, opens=True),
    Stage("born", "label", "cpu", BornTask, records.BornCharges, _born, _always(300.0), opens=True),
    Stage("forecast", "analyse", "cpu", ForecastTask, records.Forecast, _forecast, _always(15.0), opens=True),
    Stage("train", "train", "gpu", TrainingTask | ForceConstantTask, records.TrainedModel, _train, _training_s, resumes=True),
    Stage("sum", "analyse", "cpu", SummingTask, records.SummedModel, _sum, _always(3.0)),
    Stage("phonons", "analyse", "gpu", DirectPhononTask | PhononTask, records.Phonons, _phonons, _always(8.0)),
    Stage("hessian", "analyse", "gpu", PhononTask, records.Phonons, _phonons, _always(15.0)),
    Stage("vibrations", "analyse", "gpu", DynamicsTask, records.Vibrations, _vibrations, _md_s, resumes=True),
)
STAGES: Mapping[str, Stage] = {one.name: one for one in _ALL}


def find_stage(name: str) -> Stage:
    """The stage of that name.

    Raises:
        ValueError: there is none; the message names those that there are.
    """
    if name not in STAGES:
        raise ValueError(f"no stage {name!r}; there are {', '.join(STAGES)}")
    return STAGES[name]


def guess_s(work: Work) -> float:
    """An order of magnitude of what a piece of work (of labels, one structure) may take."""
    return find_stage(work.stage).guess_s(work.task) if work.guessed_s is None else work.guessed_s


def categories() -> tuple[str, ...]:
    """What workers can be told to take."""
    return tuple(dict.fromkeys(one.category for one in STAGES.values()))
