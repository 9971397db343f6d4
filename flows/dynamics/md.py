"""Long MD: Maxwell-Boltzmann start, Langevin equilibration, NVE production, resumed where it was killed.

A resumed run is bit-identical to an undisturbed one: the positions, momenta and random numbers that its steps
depend on are kept exactly, and the integrators keep nothing else. It needs forces that depend on positions alone,
to the last bit: so with our potentials on one CPU type, with one number of threads and the same packages, for they
make their neighbour list anew at each step. Not on a GPU, where sums are added up in any order, nor with a
calculator that keeps a neighbour list from step to step (ASE's EMT); there a resumed run is another trajectory of
the same ensemble, as any two runs are. The record says where a run was resumed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import units
from numpy.typing import NDArray

from flows.bulletins import News
from flows.dynamics.chunk import Chunk, State
from flows.dynamics.langevin import begin, random_state, random_text, stop_drifting, thermostat
from flows.dynamics.settings import DynamicsSettings
from flows.dynamics.trajectory import EQUILIBRATION, PRODUCTION, Trajectory
from flows.dynamics.watch import Limits, Watch, temperature_K
from flows.failure import CalculationFailed, MachineTrouble
from flows.shelf import Shelf
from flows.training.force_constants.sites import NoSites

if TYPE_CHECKING:
    from ase import Atoms
    from ase.md.md import MolecularDynamics

CHUNK_STEPS = 500


@dataclass(frozen=True)
class StartDirectory:
    """Where one start is kept: a directory of its own, and a text that tells it from every other run.

    A file holds `chunk_steps` steps (down to whole frames): what a kill costs. No number depends on it.
    """

    directory: Path | Shelf
    belongs_to: str
    chunk_steps: int = CHUNK_STEPS


def simulate(atoms: Atoms, settings: DynamicsSettings, start: int, place: StartDirectory) -> Trajectory:
    """The trajectory of start number `start` of `atoms` (with their calculator), all of it or what was missing.

    Integrated in float64 by ASE: Langevin with the centre of mass fixed, then velocity Verlet; no stress is asked
    for. Velocities begin at twice the temperature: the potential energy of a crystal at rest takes half of it.
    Interrupted (a drain, Ctrl-C), it writes what it has before it ends.

    Raises:
        CalculationFailed: `exploded`; the chunks are removed, the last good frame stays.
        MachineTrouble: the directory cannot be read or written.
    """
    trajectory = Trajectory(place.directory, place.belongs_to)
    run = _Run(atoms, settings, start, trajectory, place.chunk_steps)
    try:
        if trajectory.steps_done(PRODUCTION) == 0:
            run.equilibrate()
        run.produce()
    except CalculationFailed:
        trajectory.clear()  # they lead nowhere
        raise
    return trajectory


class _Run:
    """The state of one start between two steps."""

    def __init__(
        self, atoms: Atoms, settings: DynamicsSettings, start: int, trajectory: Trajectory, chunk_steps: int
    ) -> None:
        self.atoms = atoms.copy()
        self.atoms.calc = atoms.calc
        self.settings, self.start, self.trajectory = settings, start, trajectory
        self.chunk_steps = max(1, chunk_steps // settings.sample_every) * settings.sample_every
        self.random = np.random.RandomState([settings.start_seed, start])
        self.resumed_from: tuple[int, ...] = ()
        self.spent_s, self.reference_eV = 0.0, 0.0
        self.began = time.monotonic()
        self.told: dict[str, list[float | None]] = {"step": [], "temperature_K": [], "drift_meV_atom": []}
        if trajectory.last is None:
            begin(self.atoms, self.settings.temperature_K, self.random)
        else:
            self._restore(trajectory.last)

    def equilibrate(self) -> None:
        asked = self.settings
        dynamics = thermostat(
            self.atoms, asked.temperature_K, asked.timestep_fs, asked.friction_per_fs, self.random
        )
        self._phase(EQUILIBRATION, self.settings.equilibration_steps, dynamics)
        self.atoms.set_constraint()

    def produce(self) -> None:
        from ase.md.verlet import VelocityVerlet

        if self.trajectory.steps_done(PRODUCTION) == 0:
            stop_drifting(self.atoms)
            self.reference_eV = self.atoms.get_potential_energy() + self.atoms.get_kinetic_energy()
        dynamics = VelocityVerlet(self.atoms, self.settings.timestep_fs * units.fs)
        self._phase(PRODUCTION, self.settings.steps, dynamics)

    def _restore(self, chunk: Chunk) -> None:
        self.atoms.positions[:] = chunk.state.positions
        self.atoms.set_momenta(chunk.state.momenta)
        self.random.set_state(random_state(chunk.state.random))
        self.reference_eV, self.spent_s = chunk.state.reference_eV, chunk.spent_s
        self.resumed_from = chunk.resumed_from
        if chunk.phase != PRODUCTION or chunk.last < self.settings.steps:
            at = chunk.last - (0 if chunk.phase == PRODUCTION else self.settings.equilibration_steps)
            self.resumed_from += (at,)

    def _phase(self, phase: str, steps: int, dynamics: MolecularDynamics) -> None:
        reference = self.reference_eV if phase == PRODUCTION else None
        asked = self.settings
        limits = Limits(asked.temperature_K, asked.max_temperature_ratio, asked.max_drift_kT, reference)
        watch = Watch(limits, self.trajectory.directory, phase[2:], self.start)
        for first in range(self.trajectory.steps_done(phase), steps, self.chunk_steps):
            last = min(first + self.chunk_steps, steps)
            frames = _Frames(self.settings, velocities=phase == PRODUCTION)
            try:
                for step in range(first + 1, last + 1):
                    self._step(dynamics, watch, step)
                    frames.add(self.atoms, step, *watch.look(self.atoms, step), self.random)
                self.trajectory.append(self._chunk(phase, first, last, frames.arrays()))
                self._tell(phase, last, frames)
            except MachineTrouble:
                raise
            except BaseException as interruption:
                if not isinstance(interruption, Exception):
                    self._leave(phase, first, frames)
                raise

    def _tell(self, phase: str, last: int, frames: _Frames) -> None:
        """Of a chunk, for who watches: its mean temperature, and by how much its total energy is off that of the start."""
        kinetic, potential = (np.array(frames.rows[name]) for name in ("kinetic_eV", "potential_eV"))
        if not len(kinetic):
            return
        atoms, produces = len(self.atoms), phase == PRODUCTION
        moved = 1e3 * float((kinetic + potential).mean() - self.reference_eV) / atoms
        step = last if produces else last - self.settings.equilibration_steps
        for name, value in zip(self.told, (step, temperature_K(float(kinetic.mean()), atoms), moved if produces else None), strict=True):
            self.told[name].append(value)
        series = {name: tuple(values) for name, values in self.told.items()}
        self.trajectory.shelf.tell(News("step", step, self.settings.steps, series, f"start {self.start}"))

    def _step(self, dynamics: MolecularDynamics, watch: Watch, step: int) -> None:
        try:
            dynamics.run(1)
        except NoSites as left:
            raise watch.exploded(str(left), step) from left

    def _leave(self, phase: str, first: int, frames: _Frames) -> None:
        """Write what there is, up to the last whole frame: whoever goes on begins there."""
        whole = frames.whole
        if whole is None or whole.step <= self.trajectory.steps_done(phase):
            return
        self.atoms.positions[:] = whole.positions
        self.atoms.set_momenta(whole.momenta, apply_constraint=False)
        self.random.set_state(whole.random)
        try:
            self.trajectory.append(self._chunk(phase, first, whole.step, frames.arrays()))
        except MachineTrouble as error:  # the interruption is what counts
            print(f"the last steps are lost: {error}", flush=True)

    def _chunk(self, phase: str, first: int, last: int, arrays: dict[str, Any]) -> Chunk:
        state = State(
            positions=self.atoms.get_positions(),
            momenta=self.atoms.get_momenta(),
            random=random_text(self.random),
            reference_eV=self.reference_eV,
        )
        spent = self.spent_s + time.monotonic() - self.began
        return Chunk(phase, first, last, arrays, state, spent, self.resumed_from)


@dataclass(frozen=True)
class _Whole:
    """The last whole frame: how many rows there are of each array, and what the steps to come depend on."""

    step: int
    rows: dict[str, int]
    positions: NDArray[np.float64]
    momenta: NDArray[np.float64]
    random: Any


class _Frames:
    """The frames of a chunk, as they come."""

    def __init__(self, settings: DynamicsSettings, velocities: bool) -> None:
        self.settings = settings
        self.rows: dict[str, list[Any]] = {"potential_eV": [], "kinetic_eV": []}
        if velocities:
            self.rows |= {"velocities": [], "positions": [], "position_steps": []}
        self.whole: _Whole | None = None

    def add(self, atoms: Atoms, step: int, potential: float, kinetic: float, random: np.random.RandomState) -> None:
        if step % self.settings.sample_every:
            return
        self.rows["potential_eV"].append(potential)
        self.rows["kinetic_eV"].append(kinetic)
        if "velocities" in self.rows:
            self.rows["velocities"].append((atoms.get_velocities() * units.fs).astype(np.float32))
            if step % (self.settings.sample_every * self.settings.positions_every) == 0:
                self.rows["positions"].append(atoms.get_positions())
                self.rows["position_steps"].append(step)
        # in one assignment: an interruption finds the frame before or this one
        counts = {name: len(rows) for name, rows in self.rows.items()}
        self.whole = _Whole(step, counts, atoms.get_positions(), atoms.get_momenta(), random.get_state())

    def arrays(self) -> dict[str, Any]:
        counts = self.whole.rows if self.whole is not None else {}
        found = {name: np.array(rows[: counts.get(name, 0)]) for name, rows in self.rows.items()}
        if "positions" in found and not len(found["positions"]):
            del found["positions"], found["position_steps"]
        return found
