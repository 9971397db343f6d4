"""What a straight line in E_base alone gives for the frequencies of a sum.

The line ΔE = c + slope E_base makes of the base a potential with 1 + slope times its forces. It is what a model of
the difference has to beat, and needs no model: the force constants of the base, times 1 + slope.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from campaign.planning.work import TaskOf, own_task
from campaign.results.result import Result
from flows.keys import job_uuid
from flows.phonons.settings import PhononTask
from flows.records import PhononFacts, Phonons, TrainedModelFacts
from flows.training.names import ModelName
from launchers.farm import Farm

Points = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True)
class Line:
    """The line of a difference to the level `base`; `points_cm1` are sorted frequencies by the label of a point."""

    base: str
    slope: float
    points_cm1: Points


@dataclass(frozen=True)
class _Scaling:
    """Phonons of a base, and what multiplies them: the slope, and the key of the sum's phonons."""

    base: Result[PhononFacts]
    level: str
    slope: float
    key: str


def line_phonons(
    farm: Farm,
    phonons: Sequence[Result[PhononFacts]],
    trained: Iterable[Result[TrainedModelFacts]],
    task_of: TaskOf = own_task,
) -> dict[str, Line]:
    """By the key of the phonons of a sum; none where those of its base are not there, or where the line is unstable."""
    scalings = list(_scalings(phonons, {training.work.key: training for training in trained}))
    points = {one.key: _by_root(one) for one in scalings if one.base.record.nac is None}
    points |= _with_nac(farm, [one for one in scalings if one.base.record.nac is not None], task_of)
    return {one.key: Line(one.level, one.slope, points[one.key]) for one in scalings if one.key in points}


def _scalings(
    phonons: Sequence[Result[PhononFacts]], trained: Mapping[str, Result[TrainedModelFacts]]
) -> Iterable[_Scaling]:
    alone = {(one.work.system, *one.work.needs): one for one in phonons}
    for one in phonons:
        *below, last = one.work.needs or ("",)
        if not below or last not in trained:
            continue
        base, slope = alone.get((one.work.system, *below)), trained[last].record.line_slope
        if base is not None and slope is not None and 1 + slope > 0:
            yield _Scaling(base, ModelName.parse(base.work.model).level, slope, one.work.key)


def _by_root(one: _Scaling) -> Points:
    """Frequencies go with the root of force constants."""
    root = float((1 + one.slope) ** 0.5)
    return {name: tuple(root * value for value in values) for name, values in one.base.record.points_cm1.items()}


def _with_nac(farm: Farm, scalings: Sequence[_Scaling], task_of: TaskOf) -> dict[str, Points]:
    """From stored force constants: the non-analytical term is not multiplied."""
    from flows.phonons.scaled import StoredCrystal

    stored = farm.records([job_uuid(one.base.work.key) for one in scalings], blobs=True)
    crystals: dict[str, StoredCrystal] = {}
    found: dict[str, Points] = {}
    for one in scalings:
        work = one.base.work
        try:
            content = Phonons.model_validate(stored[job_uuid(work.key)]).blob.content()
            if work.system not in crystals:
                task = task_of(work)
                assert isinstance(task, PhononTask)
                crystals[work.system] = StoredCrystal.of(content, task)
            (found[one.key],) = crystals[work.system].scaled_points_cm1(content, 1 + one.slope)
        except (KeyError, ValueError):  # gone or damaged: phonopy files of it are refused
            continue
    return found
