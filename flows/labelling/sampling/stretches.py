"""A sweep whose MD is that of the engine's own program: stretches of steps, each with its frames stored before the next begins.

A kill costs the stretch in hand. Run again from the same state it has the same random numbers, but not all programs repeat
themselves to the last digit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from flows.dynamics.chunk import Chunk, State
from flows.dynamics.langevin import begin
from flows.dynamics.outcome import versions
from flows.dynamics.trajectory import Trajectory
from flows.dynamics.watch import Limits, Watch, temperature_K
from flows.failure import CalculationFailed
from flows.keys import digest
from flows.labelling.engines.moving import Moved, Stretch
from flows.labelling.engines.protocol import Computed
from flows.labelling.sampling.calculator import Driver
from flows.labelling.sampling.settings import STAGE, SweepTask
from flows.labelling.sampling.sweep import PHASE, belonging, record, structure_at
from flows.records import Failure, Structure, Sweep
from flows.shelf import Shelf

Move = Callable[[Atoms, Stretch], Moved | Failure]
OnFrame = Callable[[Structure, Computed], None]

STEPS = 100  # what a kill costs, against what it costs to begin


def sweep_by_stretches(task: SweepTask, driver: Driver, move: Move, place: Path | Shelf, on_frame: OnFrame, steps: int = STEPS) -> Sweep:
    """The frames that `task` keeps, with all that lies in `place` taken up; `on_frame` gets each of them before its stretch counts as done.

    Raises:
        CalculationFailed: `exploded`: the stretches are removed, the last good frame stays. Or what the engine failed by: they stay.
        MachineTrouble: `place` cannot be read or written.
    """
    about = versions() | dict(driver.versions)
    trajectory = Trajectory(place, belonging(task, driver, about))
    run = _Run(task, move, trajectory, on_frame)
    asked = task.settings
    for index, temperature in enumerate(asked.temperatures_K):
        end = (index + 1) * asked.steps
        while (done := trajectory.steps_done(PHASE)) < end:
            run.stretch(temperature, done, min(steps, end - done))
    return record(task, driver, trajectory, about)


def beginning(task: SweepTask, steps: int = STEPS) -> tuple[Atoms, Stretch]:
    """The atoms of `task` as they begin to move, and its first stretch."""
    atoms, asked = task.structure.atoms(), task.settings
    begin(atoms, asked.temperatures_K[0], np.random.RandomState(asked.seed))
    return atoms, _stretch(task, asked.temperatures_K[0], 0, min(steps, asked.steps))


def _stretch(task: SweepTask, temperature_K: float, done: int, steps: int) -> Stretch:
    asked = task.settings
    seed = int(digest("stretch", 1, seed=asked.seed, step=done)[:7], 16)
    return Stretch(task.level or "", temperature_K, steps, asked.timestep_fs, asked.friction_per_fs, seed)


class _Run:
    def __init__(self, task: SweepTask, move: Move, trajectory: Trajectory, on_frame: OnFrame) -> None:
        self.task, self.move, self.trajectory, self.on_frame = task, move, trajectory, on_frame
        self.atoms, _ = beginning(task)
        self.resumed_from: tuple[int, ...] = ()
        self.spent_s, self.began = 0.0, time.monotonic()
        last = trajectory.last
        if last is None:
            return
        self.atoms.positions[:] = last.state.positions
        self.atoms.set_momenta(last.state.momenta)
        self.spent_s, self.resumed_from = last.spent_s, last.resumed_from
        if last.last < task.settings.total_steps:
            self.resumed_from += (last.last,)

    def stretch(self, temperature: float, done: int, steps: int) -> None:
        moved = self.move(self.atoms, _stretch(self.task, temperature, done, steps))
        if isinstance(moved, Failure):
            message = f"steps {done + 1} to {done + steps} of the sweep, at {temperature:g} K: {moved.message}"
            raise CalculationFailed(moved.model_copy(update={"message": message, "run_directory": str(self.trajectory.directory)}))
        self._refuse_exploded(moved, temperature, done)
        kept = [i for i in range(steps) if self.task.settings.keeps(done + i + 1)]
        for i in kept:
            self.on_frame(structure_at(self.task.structure, moved.positions[i]), _computed(moved, i))
        self._append(moved, kept, done, steps)

    def _refuse_exploded(self, moved: Moved, temperature: float, done: int) -> None:
        limits = Limits(temperature, self.task.settings.max_temperature_ratio)
        watch = Watch(limits, self.trajectory.directory, f"the sweep, at {temperature:g} K", stage=STAGE)
        watch.good = self.atoms.copy()
        for i, kinetic in enumerate(moved.kinetic_eV.tolist()):
            found = temperature_K(kinetic, len(self.atoms))
            if found > limits.temperature_K * limits.max_temperature_ratio:
                self.trajectory.clear()  # they lead nowhere
                raise watch.exploded(f"temperature {found:.4g} K where {temperature:g} K were asked for", done + i + 1)
            watch.good.positions[:] = moved.positions[i]

    def _append(self, moved: Moved, kept: list[int], done: int, steps: int) -> None:
        self.atoms.positions[:] = moved.end_positions
        self.atoms.set_velocities(moved.end_velocities / units.fs)
        arrays: dict[str, NDArray] = {
            "kept_steps": np.array([done + i + 1 for i in kept], dtype=float),
            "potential_eV": moved.potential_eV[kept],
            "kinetic_eV": moved.kinetic_eV[kept],
            "positions": moved.positions[kept],
        }
        state = State(positions=self.atoms.get_positions(), momenta=self.atoms.get_momenta(), random="[]")
        spent = self.spent_s + time.monotonic() - self.began
        self.trajectory.append(Chunk(PHASE, done, done + steps, arrays, state, spent, self.resumed_from))


def _computed(moved: Moved, i: int) -> Computed:
    return Computed(
        energy_eV=float(moved.potential_eV[i]),
        forces_eV_A=moved.forces_eV_A[i],
        diagnostics={"cycles": float(moved.cycles[i])},
        versions=moved.versions,
        files=moved.files,
        remarks=moved.remarks,
    )
