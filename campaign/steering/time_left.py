"""How long what is left may take: by what work of the same kind has taken, and before that by rough guesses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from campaign.planning.work import Work
from campaign.records.outputs import wall_times_s
from campaign.steering.status import ENDED, State, Status
from flows.dynamics.settings import DynamicsTask
from flows.labelling.engines.task import LabelTask
from flows.training.settings import TrainingTask
from launchers.farm import Farm

# Orders of magnitude on one core, with small models; they count only until something of the kind was measured.
SECONDS = {"sample": 300.0, "label": 1.0, "train": 60.0, "sum": 3.0, "phonons": 8.0, "hessian": 15.0, "vibrations": 300.0}
STRUCTURE_S = {"pyscf": 25.0}  # eight atoms in a minimal basis
STEP_S_PER_ATOM = 4e-4
EPOCH_S_PER_STRUCTURE = 0.015


class Left(NamedTuple):
    """Wall seconds that are left; `guessed`: some of the kinds of work have not been measured yet."""

    seconds: float
    guessed: bool


@dataclass
class Pace:
    """Seconds that pieces of work took, for each structure of a chunk: by stage, and by stage and model."""

    slots: int = 1
    seconds: dict[tuple[str, ...], list[float]] = field(default_factory=dict)

    def add(self, work: Work, seconds: float) -> None:
        """What `work` took."""
        for kind in ((work.stage,), (work.stage, work.system, work.model)):
            self.seconds.setdefault(kind, []).append(seconds / work.count)

    def left(self, works: Iterable[Work]) -> Left:
        """For `works` on the slots."""
        total, guessed = 0.0, False
        for one in works:
            times = self.seconds.get((one.stage, one.system, one.model)) or self.seconds.get((one.stage,))
            guessed = guessed or not times
            total += one.count * (sum(times) / len(times) if times else guess_s(one))
        return Left(total / self.slots, guessed)


def pace(farm: Farm, found: Status, slots: int) -> Pace:
    """As the records of what is done tell."""
    measured = Pace(slots)
    done = {work.key: work for work in found.of(State.DONE)}
    for key, seconds in wall_times_s(farm, done).items():
        measured.add(done[key], seconds or SECONDS["sum"])
    return measured


def left(farm: Farm, found: Status, slots: int) -> Left:
    """What is left of a campaign."""
    works = [work for key, work in found.plan.work.items() if found.states[key] not in ENDED]
    return pace(farm, found, slots).left(works)


def guess_s(work: Work) -> float:
    """Of one structure, or one piece of work, before anything like it was measured."""
    task = work.task
    if isinstance(task, LabelTask):
        atoms = len(task.items[0].structure.symbols)
        return STRUCTURE_S.get(task.engine.kind, SECONDS["label"]) * (atoms / 8) ** 3
    if isinstance(task, TrainingTask):
        return 10 + EPOCH_S_PER_STRUCTURE * len(task.train) * task.settings.max_epochs
    if isinstance(task, DynamicsTask):
        steps = task.dynamics.starts * (task.dynamics.steps + task.dynamics.equilibration_steps)
        return STEP_S_PER_ATOM * len(task.big.symbols) * steps
    return SECONDS[work.stage]
