"""The job of this stage: long MD of a potential, and the density of states that it shows."""

from __future__ import annotations

from flows.delivery import delivers
from flows.dynamics.outcome import vibrations_of
from flows.dynamics.settings import DynamicsTask
from flows.dynamics.watch import STAGE
from flows.leftovers import sweep_delivered
from flows.records import TrainedModel, Vibrations
from flows.shelf import shelf_of
from flows.training.force_field import ForceField


@delivers(Vibrations)
def vibrations(task: DynamicsTask, models: list[TrainedModel]) -> Vibrations:
    """Long MD with the sum of `models`, and its vibrational density of states.

    Hours: its trajectories lie under the task's key beside the checkpoints of trainings, with copies in the database,
    and a job that was killed goes on from them. They stay until the record is stored, and go when the next such job
    starts.

    Raises:
        CalculationFailed: `bad-input` or `exploded`.
        MachineTrouble: the trajectory cannot be read or written.
    """
    sweep_delivered()
    field = ForceField.of(models, task.dtype, STAGE)
    with shelf_of(task.key) as shelf:
        return vibrations_of(task, field.calculator, shelf, field.models, field.device)
