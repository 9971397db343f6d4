"""The jobs of this stage: train one model, add several."""

from __future__ import annotations

from flows.delivery import delivers, read_records
from flows.faults import refuse_faulty
from flows.leftovers import sweep_delivered
from flows.records import Label, SummedModel, TrainedModel
from flows.shelf import shelf_of
from flows.training.checkpoints import Checkpoints
from flows.training.datasets import label_keys
from flows.training.force_constants.outcome import fitted_model
from flows.training.force_constants.settings import ForceConstantTask
from flows.training.outcome import summed_model, trained_model
from flows.training.settings import SummingTask, TrainingTask


@delivers(TrainedModel)
def train(task: TrainingTask | ForceConstantTask) -> TrainedModel:
    """Train one model on the labels that `task` lists: of MACE, or by force constants, which takes seconds.

    Raises:
        CalculationFailed: the labels do not fit the task, or the training diverged.
        MachineTrouble: a checkpoint could not be written.
    """
    sweep_delivered()
    labels = read_records(Label, label_keys(task))
    refuse_faulty(labels.values(), "train")
    if isinstance(task, ForceConstantTask):
        return fitted_model(task, labels)
    with shelf_of(task.key) as shelf:
        return trained_model(task, labels, Checkpoints(shelf))


@delivers(SummedModel)
def add(task: SummingTask, *parts: TrainedModel) -> SummedModel:
    """Judge the sum of trained models, the base first, against the labels of the upper level.

    Raises:
        CalculationFailed: a structure that one of them has no prediction for.
    """
    upper = [key for keys in task.labels.values() for key in keys]
    beside = [key for rows in task.beside.values() for row in rows for key in row]
    labels = read_records(Label, dict.fromkeys([*upper, *beside]))
    refuse_faulty([*labels.values(), *parts], "train")
    return summed_model(task, parts, labels)
