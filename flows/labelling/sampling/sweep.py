"""The sweep: Langevin MD through rising temperatures that leaves frames for labelling, resumed where it was killed.

Resumed, it is bit-identical to an undisturbed one under the conditions of `flows.dynamics.md`: forces that depend on
positions alone. The forces at the end of a chunk are kept, so that going on asks for none a second time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.dynamics.chunk import Chunk, State
from flows.dynamics.langevin import begin, random_state, random_text, thermostat
from flows.dynamics.outcome import versions
from flows.dynamics.trajectory import Trajectory
from flows.dynamics.watch import Limits, Watch, temperature_K
from flows.failure import CalculationFailed
from flows.keys import digest
from flows.labelling.sampling.calculator import Driver, Remembering
from flows.labelling.sampling.settings import STAGE, SweepTask
from flows.records import Drawn, Structure, Sweep
from flows.shelf import Shelf

OnFrame = Callable[[Structure, float, NDArray[np.float64]], None]

PHASE = "0-sweep"
CHUNK_STEPS, CHUNK_S = 200, 30.0  # what a kill costs, whichever is less, or one step that takes longer


def sweep_of(
    task: SweepTask,
    driver: Driver,
    place: Path | Shelf,
    on_frame: OnFrame | None = None,
    chunk_steps: int = CHUNK_STEPS,
) -> Sweep:
    """The frames that `task` keeps, with all that lies in `place` taken up. No stress is asked for.

    `on_frame` is called with each kept frame (energy in eV, forces in eV/Å) before anything else is computed, and
    not again when the sweep is resumed after it; a kill within the call repeats it.

    Raises:
        CalculationFailed: `exploded`: the chunks are removed, the last good frame stays. Or what the driver raised,
            and the step: they stay, and the sweep run again goes on from there.
        MachineTrouble: `place` cannot be read or written.
    """
    about = versions() | dict(driver.versions)
    trajectory = Trajectory(place, belonging(task, driver, about))
    try:
        _Run(task, driver, trajectory, on_frame, chunk_steps).go()
    except CalculationFailed as caught:
        if caught.failure.kind == "exploded":
            trajectory.clear()  # they lead nowhere
        raise
    return record(task, driver, trajectory, about)


class _Run:
    """The state of a sweep between two steps."""

    def __init__(
        self,
        task: SweepTask,
        driver: Driver,
        trajectory: Trajectory,
        on_frame: OnFrame | None,
        chunk_steps: int,
    ) -> None:
        self.structure, self.asked, self.trajectory = task.structure, task.settings, trajectory
        self.on_frame, self.chunk_steps = on_frame, chunk_steps
        self.calculator = Remembering(driver.calculator)
        self.atoms = task.structure.atoms()
        self.atoms.calc = self.calculator
        self.random = np.random.RandomState(self.asked.seed)
        self.resumed_from: tuple[int, ...] = ()
        self.spent_s, self.began = 0.0, time.monotonic()
        if trajectory.last is None:
            begin(self.atoms, self.asked.temperatures_K[0], self.random)
        else:
            self._restore(trajectory.last)
        self._new_chunk()

    def go(self) -> None:
        done = self.trajectory.steps_done(PHASE)
        for index, temperature in enumerate(self.asked.temperatures_K):
            first, last = index * self.asked.steps, (index + 1) * self.asked.steps
            if done < last:
                self._at(temperature, range(max(done, first) + 1, last + 1))

    def _at(self, temperature: float, steps: range) -> None:
        asked = self.asked
        dynamics = thermostat(self.atoms, temperature, asked.timestep_fs, asked.friction_per_fs, self.random)
        limits = Limits(temperature, asked.max_temperature_ratio)
        watch = Watch(limits, self.trajectory.directory, f"the sweep, at {temperature:g} K", stage=STAGE)
        for step in steps:
            try:
                dynamics.run(1)
            except CalculationFailed as caught:
                raise self._at_step(caught, step, temperature) from caught
            potential, kinetic = watch.look(self.atoms, step)
            if asked.keeps(step):
                self._keep(step, potential, kinetic)
            if self._chunk_is_full(step):
                self._write(step, potential)

    def _keep(self, step: int, potential: float, kinetic: float) -> None:
        forces = self.atoms.get_forces(apply_constraint=False)
        frame = {"kept_steps": step, "potential_eV": potential, "kinetic_eV": kinetic}
        for name, value in (frame | {"positions": self.atoms.get_positions()}).items():
            self.rows[name].append(value)
        if self.on_frame is not None:
            self.on_frame(structure_at(self.structure, self.atoms.get_positions()), potential, forces)

    def _chunk_is_full(self, step: int) -> bool:
        handed_over = self.on_frame is not None and self.asked.keeps(step)
        long = step - self.trajectory.steps_done(PHASE) >= self.chunk_steps
        return (
            handed_over or long or step == self.asked.total_steps or time.monotonic() - self.since > CHUNK_S
        )

    def _write(self, step: int, potential: float) -> None:
        state = State(
            positions=self.atoms.get_positions(),
            momenta=self.atoms.get_momenta(),
            random=random_text(self.random),
            potential_eV=potential,
            forces=self.atoms.get_forces(apply_constraint=False),
        )
        arrays = {name: np.array(rows, dtype=float) for name, rows in self.rows.items()}
        arrays["positions"] = arrays["positions"].reshape(-1, len(self.atoms), 3)
        spent = self.spent_s + time.monotonic() - self.began
        first = self.trajectory.steps_done(PHASE)
        self.trajectory.append(Chunk(PHASE, first, step, arrays, state, spent, self.resumed_from))
        self._new_chunk()

    def _new_chunk(self) -> None:
        names = ("kept_steps", "potential_eV", "kinetic_eV", "positions")
        self.rows: dict[str, list[Any]] = {name: [] for name in names}
        self.since = time.monotonic()

    def _restore(self, chunk: Chunk) -> None:
        self.atoms.positions[:] = chunk.state.positions
        self.atoms.set_momenta(chunk.state.momenta)
        self.random.set_state(random_state(chunk.state.random))
        assert chunk.state.potential_eV is not None
        assert chunk.state.forces is not None
        self.calculator.remember(self.atoms, chunk.state.potential_eV, chunk.state.forces)
        self.spent_s, self.resumed_from = chunk.spent_s, chunk.resumed_from
        if chunk.last < self.asked.total_steps:
            self.resumed_from += (chunk.last,)

    def _at_step(self, caught: CalculationFailed, step: int, temperature: float) -> CalculationFailed:
        message = f"step {step} of the sweep, at {temperature:g} K: {caught.failure.message}"
        place = caught.failure.run_directory or str(self.trajectory.directory)
        return CalculationFailed(
            caught.failure.model_copy(update={"message": message, "run_directory": place})
        )


def record(task: SweepTask, driver: Driver, trajectory: Trajectory, about: dict[str, str]) -> Sweep:
    """Of a sweep that is done."""
    assert trajectory.last is not None
    steps = trajectory.column("kept_steps", PHASE).astype(int).tolist()
    kinetic = trajectory.column("kinetic_eV", PHASE)
    return Sweep(
        key=task.key,
        system=task.system,
        frames=tuple(
            _drawn(task, step, positions)
            for step, positions in zip(steps, trajectory.column("positions", PHASE), strict=True)
        ),
        temperatures_K=tuple(temperature_K(k, len(task.structure.symbols)) for k in kinetic.tolist()),
        potential=driver.potential,
        resumed_from_steps=trajectory.last.resumed_from,
        ignored_checkpoints=tuple(trajectory.ignored),
        versions=about,
        wall_time_s=trajectory.last.spent_s,
    )


def _drawn(task: SweepTask, step: int, positions: NDArray[np.float64]) -> Drawn:
    temperature = task.settings.temperatures_K[(step - 1) // task.settings.steps]
    structure = structure_at(task.structure, positions)
    return Drawn(structure=structure, method="sweep", stratum=temperature, step=step)


def structure_at(of: Structure, positions: NDArray[np.float64]) -> Structure:
    """The atoms of a structure elsewhere."""
    return of.model_copy(update={"positions": tuple(map(tuple, positions.tolist()))})


def belonging(task: SweepTask, driver: Driver, about: dict[str, str]) -> str:
    """A trajectory continues only the sweep that wrote it, with the forces and packages that wrote it."""
    return digest(
        "sweep-trajectory",
        1,
        key=task.key,
        settings=task.settings.identity(),
        structure=task.structure.model_dump(mode="json"),
        potential=driver.potential,
        digests=list(driver.digests),
        dtype=task.dtype,
        versions=about,
    )
