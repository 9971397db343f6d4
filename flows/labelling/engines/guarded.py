"""Engines that may crash, hang or talk nonsense, at the cost of one structure: they run in a child process.

Levels come back one by one: those that were done before a crash are kept. The child is warm: one structure after
another, and a new child after a crash.
"""

from __future__ import annotations

import atexit
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from flows.failure import CalculationFailed
from flows.labelling.engines.child import DONE, Child, Died, Raised
from flows.labelling.engines.moving import Moved, Stretch
from flows.labelling.engines.protocol import Computed, EngineSettings, failure
from flows.records import Failure

if TYPE_CHECKING:
    from ase import Atoms

Results = dict[str, Computed | Failure]


class Guarded:
    """`with Guarded(engine) as guarded: guarded.compute(atoms, wanted)`; leaving it kills the child at once."""

    def __init__(self, engine: EngineSettings) -> None:
        self._engine = engine
        self._child: Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._kill()

    def compute(self, atoms: Atoms, wanted: Mapping[str, bool]) -> Results:
        """A label's numbers or a failure for every level of `wanted`, which says whether its forces are asked for.

        Failures are the engine's own, or `crashed`, `time-limit`, `garbage`.

        Raises:
            MachineTrouble: no child process can be started.
        """
        found: Results = {}
        try:
            trouble = self._collect(atoms, wanted, found)
        except BaseException:
            # its later messages would be taken for those of the next structure
            self._kill()
            raise
        return {level: found.get(level) or trouble.model_copy(update={"level": level}) for level in wanted}

    def move(self, atoms: Atoms, stretch: Stretch) -> Moved | Failure:
        """A stretch of MD by the engine itself; its time limit is of each step, its failures are as those of `compute`.

        Raises:
            MachineTrouble: no child process can be started.
        """
        found: dict[str, Any] = {}
        try:
            trouble = self._ask(atoms, stretch, stretch.steps, _Moving(len(atoms), stretch), found)
        except BaseException:
            self._kill()
            raise
        return found.get(stretch.level) or trouble.model_copy(update={"level": stretch.level})

    def _collect(self, atoms: Atoms, wanted: Mapping[str, bool], found: Results) -> Failure:
        """Fills `found`; the failure of those levels that are not in it in the end."""
        return self._ask(atoms, dict(wanted), 1, Expected(len(atoms), wanted), found)

    def _ask(self, atoms: Atoms, asked: dict[str, bool] | Stretch, structures: int, expected: Expected | _Moving, found: dict[str, Any]) -> Failure:
        limit = None if self._engine.time_limit_s is None else self._engine.time_limit_s * structures
        try:
            child = self._living_child()
            child.send((atoms.copy(), asked))
            deadline = None if limit is None else time.monotonic() + limit
            return self._listen(child, deadline, expected, found)
        except TimeoutError:
            self._kill()
            times = f" for each of {structures} steps" if structures > 1 else ""
            message = f"not done within time_limit_s = {self._engine.time_limit_s:g}{times}"
            return failure("time-limit", message, "raise time_limit_s, or ask for less")
        except Died as error:
            self._kill()
            advice = "its last words may be in the worker's log; retry, or leave the structure out"
            return failure("crashed", f"the engine {self._engine.kind} died: {error}", advice)

    def _listen(self, child: Child, deadline: float | None, expected: Expected | _Moving, found: dict[str, Any]) -> Failure:
        strangers = []
        while (message := child.receive(deadline)) != DONE:
            if isinstance(message, Raised):
                return failure(
                    "crashed", f"the engine {self._engine.kind} raised {message.line}", _ITS_FAULT
                )
            level, result = message
            if level in expected.wanted:
                found[level] = expected.judged(level, result)
            else:
                strangers.append(level)
        came = f" but unasked {', '.join(map(str, strangers))}" if strangers else ""
        return failure(
            "garbage", f"the engine {self._engine.kind} said nothing of this level{came}", _ITS_FAULT
        )

    def _living_child(self) -> Child:
        if self._child is not None and not self._child.lives():
            self._kill()
        if self._child is None:
            self._child = Child(self._engine)
        return self._child

    def _kill(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()


_resting: Guarded | None = None  # of this process


@atexit.register
def _end_resting() -> None:
    """multiprocessing would wait at exit, without end, for a child that ignores its SIGTERM."""
    global _resting
    guarded, _resting = _resting, None
    if guarded is not None:
        guarded._kill()


@contextmanager
def warm(engine: EngineSettings) -> Iterator[Guarded]:
    """A guarded engine whose child, where all went well, waits for the next who asks this process for the same.

    To start one costs seconds of imports: as much as many a label.
    """
    global _resting  # a process has one
    guarded, _resting = _resting, None
    if guarded is None or guarded._engine != engine:
        if guarded is not None:
            guarded._kill()
        guarded = Guarded(engine)
    try:
        yield guarded
    except BaseException as error:
        if not isinstance(error, CalculationFailed):
            guarded._kill()
            raise
        _resting = guarded
        raise
    _resting = guarded


class Expected:
    """What the results of one structure have to look like."""

    def __init__(self, atoms: int, wanted: Mapping[str, bool]) -> None:
        self._atoms = atoms
        self.wanted = wanted

    def judged(self, level: str, result: Any) -> Computed | Failure:
        """The result, without forces that nobody asked for; or why it is no label."""
        if isinstance(result, Failure):
            return result.model_copy(update={"level": level})
        if not isinstance(result, Computed):
            return _garbage(level, f"the result is a {type(result).__name__}, not Computed")
        if not self.wanted[level]:
            result = replace(result, forces_eV_A=None)
        wrong = self._wrong(level, result)
        return _garbage(level, wrong) if wrong else result

    def _wrong(self, level: str, result: Computed) -> str | None:
        numbers = {"energy_eV": result.energy_eV, **result.components_eV, **result.diagnostics}
        for name, value in numbers.items():
            if not isinstance(value, Real) or not math.isfinite(value):
                return f"{name} is {value!r}"
        return self._wrong_forces(result.forces_eV_A) if self.wanted[level] else None

    def _wrong_forces(self, forces: Any) -> str | None:
        if forces is None:
            return "forces were asked for, and there are none"
        if np.shape(forces) != (self._atoms, 3):
            return f"the forces have the shape {np.shape(forces)}, not ({self._atoms}, 3)"
        if np.asarray(forces).dtype.kind != "f" or not np.isfinite(forces).all():
            return "some forces are not finite numbers"
        return None


class _Moving:
    """What a stretch of MD has to look like."""

    def __init__(self, atoms: int, stretch: Stretch) -> None:
        self.wanted = {stretch.level: True}
        self._frames = (stretch.steps, atoms, 3)

    def judged(self, level: str, result: Any) -> Moved | Failure:
        """The result, or why it is none."""
        if isinstance(result, Failure):
            return result.model_copy(update={"level": level})
        if not isinstance(result, Moved):
            return _garbage(level, f"the result is a {type(result).__name__}, not Moved")
        shapes = {"positions": self._frames, "forces_eV_A": self._frames, "potential_eV": self._frames[:1], "kinetic_eV": self._frames[:1]}
        shapes |= {"end_positions": self._frames[1:], "end_velocities": self._frames[1:]}
        for name, shape in shapes.items():
            if np.shape(getattr(result, name)) != shape:
                return _garbage(level, f"{name} has the shape {np.shape(getattr(result, name))}, not {shape}")
        return result


_ITS_FAULT = "the engine is at fault: correct it, or its settings"


def _garbage(level: str, wrong: str) -> Failure:
    return failure("garbage", f"{level}: {wrong}", _ITS_FAULT).model_copy(update={"level": level})
