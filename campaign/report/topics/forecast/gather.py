"""The payload of labels and errors: forecasts, and what MACE made of the same labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from campaign.report.harvest import Harvest
from campaign.report.panels import letters
from campaign.report.titles import title_of
from campaign.report.topics.forecast.caption import forecast_alt, forecast_caption
from campaign.report.topics.forecast.payload import FitPoint, ForecastFigure, LevelPanel, NetworkPoint
from flows.records import Forecast, LearningPoint, PhononFacts
from flows.training.names import ModelName

Shift = dict[tuple[str, int], float]


def forecast_figure(harvest: Harvest, system: str) -> ForecastFigure | None:
    """None where no forecast is made yet."""
    found = tuple(_panels(harvest, system))
    if not found:
        return None
    panels = tuple(one.model_copy(update={"letter": letter}) for one, letter in zip(found, letters(), strict=False))
    draft = ForecastFigure(
        name=f"forecast_{system}", system=system, heading=f"How many labels: {system}", alt="", caption="", panels=panels
    )
    return draft.worded(forecast_caption(draft), forecast_alt(draft))


def _panels(harvest: Harvest, system: str) -> Iterator[LevelPanel]:
    """Of each level the forecast from most labels, and the one from none."""
    made: dict[str, list[Forecast]] = {}
    for one in harvest.campaign.forecasts():
        if one.work.system == system:
            made.setdefault(one.work.model, []).append(one.record)
    for model, forecasts in made.items():
        name = ModelName.parse(model)
        until = harvest.campaign.spec.systems[system].levels[name.level].until
        beside = {"networks": tuple(_networks(harvest, system, f"{name.level}-{name.base}"))}
        yield level_panel(forecasts).model_copy(update=beside | {"target_cm1": None if until is None else until.modes_cm1})


def level_panel(forecasts: Sequence[Forecast]) -> LevelPanel:
    """What the forecasts of one model say, from most labels and from none."""
    last = max(forecasts, key=lambda one: one.labelled)
    first = next((one for one in forecasts if one.assumed and not one.labelled), None)
    level = ModelName.parse(last.model).level
    return LevelPanel(
        letter="",
        level=level,
        title=title_of(level),
        labelled=last.labelled,
        noise_meV_atom=None if last.assumed else last.noise_meV_atom,
        chosen=tuple(_fit(one) for one in last.behind if one.draw == "chosen"),
        random=tuple(_fit(one) for one in last.behind if one.draw == "random"),
        fitted=None if last.reached is None else FitPoint(count=last.reached.count, stated_cm1=last.reached.modes_cm1),
        predicted=() if first is None else tuple((one.count, one.modes_cm1) for one in first.ahead),
        assumed_meV_atom=None if first is None else first.noise_meV_atom,
    )


def _fit(one: LearningPoint) -> FitPoint:
    return FitPoint(count=one.count, apart_cm1=one.apart_cm1, stated_cm1=one.modes_cm1, left_meV_atom=one.left_meV_atom)


def _networks(harvest: Harvest, system: str, model: str) -> Iterator[NetworkPoint]:
    """Of each size and seed that has something to be held against: a test set, or a larger size."""
    counts: dict[str, int] = {}
    tested: dict[tuple[str, int], float] = {}
    for size in harvest.sizes(system):
        group = harvest.trainings(system, size).get(model)
        for one in group.results if group is not None else ():
            if one.work.seed is None:
                continue
            counts[size] = one.record.train_count + one.record.valid_count
            if (error := one.record.errors.get("test")) is not None:
                tested[size, one.work.seed] = error.energy_meV_atom
    apart = _apart(harvest, system, model, counts)
    for size, seed in sorted(tested.keys() | apart.keys(), key=lambda one: (counts[one[0]], one[1])):
        yield NetworkPoint(
            count=counts[size], seed=seed, apart_cm1=apart.get((size, seed)), left_meV_atom=tested.get((size, seed))
        )


def _apart(harvest: Harvest, system: str, model: str, counts: dict[str, int]) -> Shift:
    """By size and seed: how far the shift by the difference is from that with the largest size."""
    name = ModelName.parse(model)
    shifts: dict[tuple[str, int], np.ndarray] = {}
    for size in counts:
        groups = harvest.phonons(system, size)
        sums, bases = groups.get(f"delta_{name.level}"), groups.get(harvest.below(f"delta_{name.level}") or "")
        below = {one.work.seed: one.record for one in bases.results} if bases is not None else {}
        for one in sums.results if sums is not None else ():
            if one.work.seed is not None and one.work.seed in below:
                shifts[size, one.work.seed] = _frequencies(one.record) - _frequencies(below[one.work.seed])
    if not counts:
        return {}
    largest = max(counts, key=lambda size: counts[size])
    return {
        (size, seed): float(np.sqrt(((shift - shifts[largest, seed]) ** 2).mean()))
        for (size, seed), shift in shifts.items()
        if size != largest and (largest, seed) in shifts
    }


def _frequencies(record: PhononFacts) -> np.ndarray:
    return np.array([value for values in record.points_cm1.values() for value in values])
