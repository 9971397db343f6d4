"""The job of sampling: a sweep, moved by an engine or by trained models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.delivery import delivers
from flows.dynamics.outcome import MODEL_PACKAGES, versions
from flows.keys import digest
from flows.labelling.computed import computed_label
from flows.labelling.engines.guarded import warm
from flows.labelling.engines.protocol import Computed, EngineSettings
from flows.labelling.journal import Journal
from flows.labelling.sampling.calculator import Driver, EngineCalculator
from flows.labelling.sampling.settings import STAGE, SweepTask
from flows.labelling.sampling.stretches import sweep_by_stretches
from flows.labelling.sampling.sweep import sweep_of
from flows.leftovers import sweep_delivered
from flows.records import Structure, Sweep, TrainedModel
from flows.shelf import shelf_of
from flows.training.force_field import ForceField


@delivers(Sweep)
def sweep(task: SweepTask, models: list[TrainedModel]) -> Sweep:
    """MD through rising temperatures with the engine of `task`, by its own program where that does MD, or with the sum of `models` where it names none.

    What an engine has found for a kept frame is kept as its label. Killed anywhere, it goes on from its checkpoints.

    Raises:
        CalculationFailed: `exploded`, `bad-input`, or what the engine failed by.
        MachineTrouble: checkpoints or labels cannot be kept.
    """
    sweep_delivered()
    with shelf_of(task.key) as shelf:
        if task.engine is None or task.level is None:
            return sweep_of(task, _by_models(task, models), shelf)
        journal = Journal.of(task.key)
        with warm(task.engine) as guarded:
            calculator = EngineCalculator(guarded.compute, task.level)
            labels = _FrameLabels(task.engine, calculator, journal)
            driver = _by_engine(task.engine, calculator)
            if task.engine.moves(task.level):
                return sweep_by_stretches(task, driver, guarded.move, shelf, labels.store)
            return sweep_of(task, driver, shelf, labels.keep)


def _by_models(task: SweepTask, models: Sequence[TrainedModel]) -> Driver:
    field = ForceField.of(models, task.dtype, STAGE)
    return Driver(
        field.calculator,
        potential=" + ".join(model.key for model in field.models),
        versions=versions(*MODEL_PACKAGES),
        digests=tuple(model.blob.sha256 for model in field.models),
    )


def _by_engine(engine: EngineSettings, calculator: EngineCalculator) -> Driver:
    identity = engine.identity_of(calculator.level, True)
    return Driver(
        calculator,
        potential=f"{engine.kind} {calculator.level}",
        versions=engine.versions(),
        digests=(digest("engine", 1, **identity),),
    )


@dataclass(frozen=True)
class _FrameLabels:
    """Keeps the labels of the frames that an MD has just computed, with all that the engine told of them."""

    engine: EngineSettings
    calculator: EngineCalculator
    journal: Journal

    def keep(self, structure: Structure, energy_eV: float, forces: NDArray[np.float64]) -> None:
        found = self.calculator.last
        assert found is not None
        assert found.energy_eV == energy_eV
        assert np.array_equal(np.asarray(found.forces_eV_A), forces)
        self.store(structure, found)

    def store(self, structure: Structure, found: Computed) -> None:
        self.journal.keep(computed_label(structure, self.calculator.level, self.engine, True, found))
