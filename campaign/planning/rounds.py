"""Rounds: a level with a target is labelled in parts, each as large as the forecast after the last says, until it is reached.

Everything follows from what is known: a campaign that is begun again, or whose target is raised, asks for the same
labels in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from campaign.planning.knowledge import Knowledge
from campaign.spec import ResolvedSpec, UntilSpec
from flows.forecast.settings import ForecastTask
from flows.keys import digest
from flows.records import Forecast
from flows.training.names import ModelName

FIRST = 12
"""Labels of the first round: they tell the noise."""

MOST = 2.0
"""A round makes the labels no more than so many times as many: forecasts from few labels are rough."""


@dataclass(frozen=True)
class Candidates:
    """The structures that a level may label, in their order, and label keys of those, by structure, of it and of the levels
    below (`Chains.trained_on`), the last of which is the base."""

    order: tuple[str, ...]
    upper: Mapping[str, str]
    below: tuple[Mapping[str, str], ...]

    @property
    def base(self) -> Mapping[str, str]:
        return self.below[-1]

    def rows(self, count: int, known: Knowledge) -> tuple[tuple[str, ...], ...]:
        """(label, labels below) of the first `count`, without those that failed."""
        there = (one for one in self.order[:count] if all(one in level for level in self.below))
        rows = ((self.upper[one], *(level[one] for level in self.below)) for one in there)
        return tuple(row for row in rows if known.failed.keys().isdisjoint(row))

    def pool(self, known: Knowledge) -> tuple[str, ...]:
        """Label keys of the base, of all of them."""
        return tuple(self.base[one] for one in self.order if one in self.base and self.base[one] not in known.failed)


@dataclass(frozen=True)
class Rounds:
    """Those of a level: the number of structures that it labels for now, the forecasts that led there, and the last of these
    if nobody has made it yet: what comes then is not known."""

    count: int
    forecasts: tuple[ForecastTask, ...]
    awaited: str = ""


def rounds(spec: ResolvedSpec, system: str, level: str, every: Candidates, known: Knowledge) -> Rounds:
    """The rounds of a level with a target, as far as they are known."""
    cells = spec.systems[system]
    until, model = cells.levels[level].until, forecast_model(spec, level)
    assert until is not None
    assert model is not None
    made: list[ForecastTask] = []
    most, pool, there = len(every.order), every.pool(known), _settled(every, known)
    count = min(max(FIRST, spec.labelling.pilots), most)
    while True:
        task = forecast_task(spec, system, model, pool, every.rows(count, known))
        made.append(task)
        found = known.forecasts.get(task.key)
        if found is None or there < count:
            return Rounds(count, tuple(made), task.key)
        if count >= most or is_reached(found, until):
            break
        count = min(_next(found, count, until), most)
    if there > count:  # a finer target of before, or another campaign, has labelled more: nothing is left aside
        made.append(forecast_task(spec, system, model, pool, every.rows(there, known)))
    return Rounds(max(count, there), tuple(made))


def is_reached(found: Forecast, until: UntilSpec) -> bool:
    """Whether what is labelled is enough."""
    return found.reached is not None and found.reached.modes_cm1 <= until.modes_cm1


def enough(found: Forecast, until: UntilSpec) -> int | None:
    """With how many labels the target is reached, by what is known or predicted; None: not with all of the pool."""
    fits = [one for one in found.behind if one.draw == "chosen"]
    there = [(one.count, one.modes_cm1) for one in fits]
    there += [(one.count, one.modes_cm1) for one in (found.reached, *found.ahead) if one is not None]
    above = [count for count, error in there if error > until.modes_cm1]
    return next((count for count, error in there if error <= until.modes_cm1 and count > max(above, default=0)), None)


def forecast_model(spec: ResolvedSpec, level: str) -> str | None:
    """The model by force constants that tells how sure a level is; None where none is asked for."""
    names = (ModelName.parse(model) for model in spec.models)
    return next((str(one) for one in names if one.method == "fc" and one.level == level), None)


def forecast_task(
    spec: ResolvedSpec, system: str, model: str, pool: Sequence[str], labelled: Sequence[tuple[str, ...]], draw: str = "given"
) -> ForecastTask:
    """How sure `model` is with what is `labelled` of a `pool`."""
    primitive, settings = spec.systems[system].primitive, spec.force_constants
    about = {"pool": list(pool), "labelled": [list(row) for row in labelled], "draw": draw}
    key = digest("forecast", 1, primitive=primitive.key(), settings=settings.identity(), **about)
    told = {"key": key, "system": system, "model": model, "primitive": primitive, "settings": settings}
    told["labelled_as"] = labelled_as(spec, system, model)
    return ForecastTask.model_validate({**told, "pool": tuple(pool), "labelled": tuple(labelled), "draw": draw})


def labelled_as(spec: ResolvedSpec, system: str, model: str) -> tuple[str, ...]:
    """What the labels of one structure of `model` bear as their levels; empty where that is what it says itself."""
    cells, levels = spec.systems[system], spec.chains.trained_on(model)
    found = tuple(cells.method(level) for level in levels)
    return () if found == ModelName.parse(model).levels else found


def _settled(every: Candidates, known: Knowledge) -> int:
    """How many of the first are there, or will not be, whoever asked for them."""
    return next((at for at, one in enumerate(every.order) if not known.settled(every.upper[one])), len(every.order))


def _next(found: Forecast, count: int, until: UntilSpec) -> int:
    """How many labels the next round has: what is predicted to be enough, at least an eighth more, no more than `MOST` times."""
    if found.reached is None:
        return max(found.least, count + 1)
    predicted: Iterator[int] = (one.count + count - found.labelled for one in found.ahead if one.modes_cm1 <= until.modes_cm1)
    least, most = count + max(1, count // 8), int(MOST * count)
    return max(least, min(next(predicted, most), most))
