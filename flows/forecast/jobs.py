"""The job of this stage."""

from __future__ import annotations

from flows.delivery import delivers, read_records
from flows.faults import refuse_faulty
from flows.forecast.outcome import STAGE, forecast_of
from flows.forecast.settings import ForecastTask
from flows.records import Forecast, Label


@delivers(Forecast)
def forecast(task: ForecastTask) -> Forecast:
    """How sure the phonons of a model are with the labels that there are, and with more.

    Raises:
        CalculationFailed: `bad-input`.
        KeyError: a label is not in the store.
    """
    labels = read_records(Label, dict.fromkeys([*task.pool, *(key for row in task.labelled for key in row)]))
    refuse_faulty(labels.values(), STAGE)
    return forecast_of(task, labels)
