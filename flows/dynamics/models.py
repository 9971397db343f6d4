"""Trained models as the one potential that moves atoms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flows.failure import CalculationFailed
from flows.records import Failure, TrainedModel


def sum_of_models(trained: Sequence[TrainedModel], dtype: str, stage: str) -> tuple[Any, str]:
    """The ASE calculator that is the sum of models, and the device that it runs on: the best there is.

    Raises:
        CalculationFailed: `bad-input`: there are none.
    """
    from flows.training.architecture import best_device
    from flows.training.potentials import total

    if not trained:
        raise CalculationFailed(
            Failure(stage=stage, kind="bad-input", message="MD needs at least one trained model")
        )
    device = best_device()
    return total(trained, dtype, device), device
