"""Systems in a row each: frequencies at named points level by level, whether models have learned, what all of it has cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from campaign.planning.work import Work
from campaign.records.outputs import wall_times_s
from campaign.report.harvest import Harvest, SeedGroup
from campaign.report.titles import title_of
from campaign.results import unstable
from campaign.results.tables.frozen import optical_cm1
from campaign.results.tables.phonons import GAMMA
from campaign.steering.status import State
from flows.records import PhononFacts
from flows.training.names import ModelName

POINTS = (GAMMA, "X", "L")
"""Of a lattice without X and L: Γ, and the first two others of its path."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class LevelFrequencies:
    """The model that stands for a level, and its frequencies (cm^-1), smallest and largest over the seeds, by point.

    At Γ the optical mode (of a polar crystal the transverse one; none where the cell holds one atom), elsewhere the highest.
    """

    title: str
    learned: bool
    unstable: bool
    points_cm1: dict[str, Interval]


@dataclass(frozen=True)
class SystemRow:
    """A system of a campaign; `seconds` are those of all its jobs and labels, wherever they were computed first."""

    campaign: str
    system: str
    formula: str
    size: str
    levels: dict[str, LevelFrequencies]
    done: int
    asked: int
    failed: int
    seconds: float


def system_rows(harvest: Harvest) -> Iterator[SystemRow]:
    """One for each system, in the order of the spec; of the first of its sizes."""
    campaign = harvest.campaign
    for name, cells in campaign.spec.systems.items():
        works = [work for work in campaign.plan.work.values() if work.system == name]
        states = [harvest.states[work.key] for work in works]
        size = next(iter(harvest.sizes(name)), "")
        yield SystemRow(
            campaign=campaign.name,
            system=name,
            formula=cells.primitive.atoms().get_chemical_formula(mode="metal", empirical=True),
            size=size,
            levels=dict(_levels(harvest, name, size, list(cells.levels))),
            done=states.count(State.DONE),
            asked=len(states),
            failed=states.count(State.FAILED),
            seconds=_seconds(harvest, works),
        )


def _levels(harvest: Harvest, system: str, size: str, levels: Sequence[str]) -> Iterator[tuple[str, LevelFrequencies]]:
    found = [group for group in harvest.phonons(system, size).values() if group.results]
    for level in levels:
        own = [group for group in found if ModelName.parse(group.model).level == level]
        if own:
            yield level, _frequencies(min(own, key=_rank))


def _rank(group: SeedGroup[PhononFacts]) -> tuple[bool, int, bool]:
    """What has learned, with forces, by a network, comes first."""
    name = ModelName.parse(group.model)
    lost = not all(one.record.learned for one in group.results)
    return lost, ("ef", "e", "sum", "difference").index(name.kind), name.method == "fc"


def _frequencies(group: SeedGroup[PhononFacts]) -> LevelFrequencies:
    records = [one.record for one in group.results]
    known = list(records[0].points_cm1)
    points = POINTS if set(POINTS) <= set(known) else tuple(known[:3])
    return LevelFrequencies(
        title=title_of(group.model),
        learned=all(one.learned for one in records),
        unstable=any(map(unstable.is_unstable, records)),
        points_cm1={point: span for point in points if (span := _span(records, point))},
    )


def _span(records: Sequence[PhononFacts], point: str) -> Interval | None:
    if point == GAMMA:
        values = [optical_cm1(one.points_cm1) for one in records if len(one.points_cm1[GAMMA]) > 3]
    else:
        values = [max(one.points_cm1[point]) for one in records]
    return (min(values), max(values)) if values else None


def _seconds(harvest: Harvest, works: Sequence[Work]) -> float:
    """Of labelling the labels: each has its own record."""
    keys = {key for work in works for key in (work.parts or (work.key,))}
    return sum(wall_times_s(harvest.campaign.farm, keys).values())
