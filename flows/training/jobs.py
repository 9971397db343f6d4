"""The jobs of this stage: train one model, add two."""

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
def add(task: SummingTask, base: TrainedModel, difference: TrainedModel) -> SummedModel:
    """Judge the sum of two trained models against the labels of the upper level.

    Raises:
        CalculationFailed: a structure that one of the two has no prediction for.
    """
    labels = read_records(Label, dict.fromkeys(key for keys in task.labels.values() for key in keys))
    refuse_faulty([*labels.values(), base, difference], "train")
    return summed_model(task, base, difference, labels)
