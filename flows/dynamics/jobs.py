"""The job of this stage: long MD of a potential, and the density of states that it shows."""

from __future__ import annotations

from flows.checkpoints import directory_of, sweep_delivered
from flows.delivery import delivers
from flows.dynamics.models import sum_of_models
from flows.dynamics.outcome import vibrations_of
from flows.dynamics.settings import DynamicsTask
from flows.dynamics.watch import STAGE
from flows.faults import refuse_faulty
from flows.records import TrainedModel, Vibrations


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
    refuse_faulty(trained, STAGE)
    calculator, device = sum_of_models(trained, task.dtype, STAGE)
    return vibrations_of(task, calculator, directory_of(task.key), trained, device)
