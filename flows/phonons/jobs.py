"""The jobs of this stage: phonons of a potential, and of a level of theory by its own engine."""

from __future__ import annotations

from flows.delivery import delivers, read_records
from flows.faults import refuse_faulty
from flows.phonons.direct import label_forces
from flows.phonons.harmonic import STAGE, calculator_forces
from flows.phonons.outcome import phonons_of
from flows.phonons.settings import DirectPhononTask, PhononTask
from flows.records import Label, Phonons, TrainedModel
from flows.training.force_field import ForceField


@delivers(Phonons)
def phonons(task: PhononTask, models: list[TrainedModel]) -> Phonons:
    """Harmonic phonons of the sum of `models`, on one primitive cell.

    Seconds to minutes, so nothing is checkpointed: what is interrupted starts again.

    Raises:
        CalculationFailed: `bad-input` or `diverged`.
    """
    field = ForceField.of(models, task.dtype, STAGE)
    return phonons_of(task, calculator_forces(field.calculator), field.models)


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
