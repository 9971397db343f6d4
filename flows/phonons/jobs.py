"""The jobs of this stage: phonons of a potential, and of a level of theory by its own engine."""

from __future__ import annotations

from collections.abc import Sequence

from flows.delivery import delivers, read_records
from flows.faults import refuse_faulty
from flows.phonons.direct import label_forces
from flows.phonons.harmonic import STAGE, Forces, calculator_forces
from flows.phonons.outcome import bad_input, phonons_of
from flows.phonons.settings import DirectPhononTask, PhononTask
from flows.records import Label, Phonons, TrainedModel


@delivers(Phonons)
def phonons(task: PhononTask, models: list[TrainedModel]) -> Phonons:
    """Harmonic phonons of the sum of `models`, on one primitive cell.

    Seconds to minutes, so nothing is checkpointed: what is interrupted starts again.

    Raises:
        CalculationFailed: `bad-input` or `diverged`.
    """
    trained = [TrainedModel.model_validate(model) for model in models]
    refuse_faulty(trained, STAGE)
    return phonons_of(task, _forces(trained, task.dtype), trained)


@delivers(Phonons)
def direct_phonons(task: DirectPhononTask) -> Phonons:
    """Harmonic phonons of a level of theory, from the forces that its engine has computed: the reference of models.

    Raises:
        CalculationFailed: `bad-input`: a displaced supercell has no label.
        KeyError: a label is not in the store.
    """
    labels = read_records(Label, task.labels)
    refuse_faulty(labels.values(), STAGE)
    return phonons_of(task, label_forces(labels.values()))


def _forces(trained: Sequence[TrainedModel], dtype: str) -> Forces:
    from flows.training.mace import best_device
    from flows.training.potentials import total

    if not trained:
        raise bad_input("phonons need at least one trained model")
    return calculator_forces(total(trained, dtype, best_device()))
