"""Trained models as the one force field that a job moves atoms with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flows.failure import CalculationFailed
from flows.faults import refuse_faulty
from flows.records import TrainedModel


@dataclass(frozen=True)
class ForceField:
    """The sum of `models`: an ASE calculator, on `device`."""

    models: tuple[TrainedModel, ...]
    calculator: Any
    device: str

    @classmethod
    def of(cls, inputs: Sequence[TrainedModel], dtype: str, stage: str) -> ForceField:
        """From the inputs of a job, which jobflow may hand over as mappings; on the best device that there is.

        Raises:
            CalculationFailed: `bad-input`: there are none; `faulty-input`: one was trained on labels of a faulty version.
        """
        from flows.training.architecture import best_device
        from flows.training.potentials import total

        models = tuple(TrainedModel.model_validate(model) for model in inputs)
        if not models:
            raise CalculationFailed.of(stage, "bad-input", "this needs at least one trained model")
        refuse_faulty(models, stage)
        device = best_device()
        return cls(models, total(models, dtype, device), device)
