"""Forecasts as pieces of work: how sure the phonons of a model are before its level has labels, and with those that it has."""

from __future__ import annotations

from collections.abc import Iterator

from campaign.planning.label_requests import LabelRequests
from campaign.planning.rounds import forecast_model, forecast_task
from campaign.planning.work import Work
from campaign.spec import ResolvedSpec
from flows.forecast.settings import ForecastTask
from flows.records import LabelSet
from flows.training.names import ModelName


def forecasts(spec: ResolvedSpec, system: str, model: str, asked: LabelRequests | None, labels: LabelSet) -> Iterator[ForecastTask]:
    """Those of one model by force constants, `labels` as if all that are asked for were there.

    Where an engine labels its level: one before any label, and one after each round, or after all. Published: one, which
    says how many would have been enough.
    """
    name = ModelName.parse(model)
    levels = spec.chains.trained_on(model)
    upper, *below = (labels.labels.get(level, {}) for level in levels)
    base = below[-1]
    if not base or len(levels) > 3 or not labels.forces.get(levels[-1]):
        return
    rows = [(upper[one], *(level[one] for level in below)) for one in upper if all(one in level for level in below)]
    if asked is None or name.level not in asked.labels:
        yield from _published(spec, system, model, rows)
        return
    order = dict.fromkeys([*asked.labels[name.level], *asked.drawn])
    pool = [base[one] for one in order if one in base]
    yield forecast_task(spec, system, model, pool, ())
    if name.level in asked.rounds and model == forecast_model(spec, name.level):
        yield from asked.rounds[name.level].forecasts
    elif rows:
        place = {key: number for number, key in enumerate(pool)}
        yield forecast_task(spec, system, model, pool, sorted(rows, key=lambda row: place[row[-1]]))


def _published(spec: ResolvedSpec, system: str, model: str, rows: list[tuple[str, ...]]) -> Iterator[ForecastTask]:
    how = spec.systems[system].levels[ModelName.parse(model).level].draw
    draw = how if how in ("informative", "farthest") else "informative"
    if rows:
        yield forecast_task(spec, system, model, [row[-1] for row in rows], rows, draw)


def forecast_work(task: ForecastTask, needs: tuple[str, ...]) -> Work:
    """Its piece of work."""
    return Work(task.key, "forecast", task.system, task.model, None, "", needs, task)
