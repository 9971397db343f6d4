"""How long what is left may take: by what work of the same kind has taken, and before that by rough guesses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from campaign.planning.stages import guess_s
from campaign.planning.work import Work
from campaign.records.outputs import wall_times_s
from campaign.steering.status import ENDED, State, Status
from launchers.farm import Farm

UNMEASURED_S = 3.0  # of a record that does not say what it has cost


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
        measured.add(done[key], seconds or UNMEASURED_S)
    return measured


def left(farm: Farm, found: Status, slots: int) -> Left:
    """What is left of a campaign."""
    works = [work for key, work in found.plan.work.items() if found.states[key] not in ENDED]
    return pace(farm, found, slots).left(works)
