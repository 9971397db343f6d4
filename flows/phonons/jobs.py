"""The job of this stage: phonons of a potential."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

from flows.delivery import delivers
from flows.phonons.harmonic import Forces, calculator_forces
from flows.phonons.outcome import bad_input, phonons_of
from flows.phonons.settings import PhononTask
from flows.records import Phonons, TrainedModel


@delivers(Phonons)
def phonons(task: PhononTask, models: list[TrainedModel]) -> Phonons:
    """Harmonic phonons of the sum of `models`, on one primitive cell.

    Seconds to minutes, so nothing is checkpointed: what is interrupted starts again.

    Raises:
        CalculationFailed: `bad-input` or `diverged`.
    """
    trained = [TrainedModel.model_validate(model) for model in models]
    return phonons_of(task, _forces(trained, task.dtype), trained)


def _forces(trained: Sequence[TrainedModel], dtype: str) -> Forces:
    from flows.training.mace import best_device
    from flows.training.potentials import potential

    if not trained:
        raise bad_input("phonons need at least one trained model")
    return calculator_forces(reduce(add, [potential(model, dtype, best_device()) for model in trained]))
