"""The job of this stage: long MD of a potential, and the density of states that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

from flows.checkpoints import directory_of, sweep_delivered
from flows.delivery import delivers
from flows.dynamics.outcome import vibrations_of
from flows.dynamics.settings import DynamicsTask
from flows.dynamics.watch import STAGE
from flows.failure import CalculationFailed
from flows.records import Failure, TrainedModel, Vibrations


@delivers(Vibrations)
def vibrations(task: DynamicsTask, models: list[TrainedModel]) -> Vibrations:
    """Long MD with the sum of `models`, and its vibrational density of states.

    Hours: its trajectories lie under the task's key beside the checkpoints of trainings, and a job that was
    killed goes on from them. They stay until the record is stored, and go when the next such job starts.

    Raises:
        CalculationFailed: `bad-input` or `exploded`.
        MachineTrouble: the trajectory cannot be read or written.
    """
    sweep_delivered()
    trained = [TrainedModel.model_validate(model) for model in models]
    calculator, device = _potential(trained, task.dtype)
    return vibrations_of(task, calculator, directory_of(task.key), trained, device)


def _potential(trained: Sequence[TrainedModel], dtype: str) -> tuple[Any, str]:
    from flows.training.architecture import best_device
    from flows.training.potentials import potential

    if not trained:
        failure = Failure(stage=STAGE, kind="bad-input", message="MD needs at least one trained model")
        raise CalculationFailed(failure)
    device = best_device()
    return reduce(add, [potential(model, dtype, device) for model in trained]), device
