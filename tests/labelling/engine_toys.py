"""Engines that misbehave on demand: importable, because a child process loads them."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np

from flows.labelling.engines.protocol import Computed, EngineSettings
from flows.records import Failure


class ToyEngine(EngineSettings):
    """Energies are the number of the process; the symbol of the first atom says how to misbehave at `mp2`."""

    kind: Literal["toy"] = "toy"
    note: Path | None = None  # where a hanging one writes its number and that of a program it started

    def levels(self):
        return {"dft": True, "mp2": False}

    def versions(self):
        return {}

    def compute(self, atoms, wanted):
        forces = np.zeros((len(atoms), 3))
        for level in wanted:
            if level == "mp2" and atoms.symbols[0] in MISBEHAVIOUR:
                yield from MISBEHAVIOUR[atoms.symbols[0]](self)
            else:
                yield level, Computed(float(os.getpid()), forces)


def hang(engine: ToyEngine) -> Any:
    if engine.note is not None:
        import subprocess

        program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        engine.note.with_suffix(".part").write_text(f"{os.getpid()} {program.pid}")
        engine.note.with_suffix(".part").rename(engine.note)
    time.sleep(600)
    yield


def segfault(_: ToyEngine) -> Any:
    os.kill(os.getpid(), signal.SIGSEGV)
    yield


def leave(_: ToyEngine) -> Any:
    os._exit(7)
    yield


def be_raised(_: ToyEngine) -> Any:
    raise ValueError("no such orbital")
    yield


def fail(_: ToyEngine) -> Any:
    yield "mp2", Failure(stage="label", kind="unconverged", message="of its own")


def nan(_: ToyEngine) -> Any:
    yield "mp2", Computed(float("nan"))


def nan_part(_: ToyEngine) -> Any:
    yield "mp2", Computed(1.0, components_eV={"hf": float("inf")})


def number(_: ToyEngine) -> Any:
    yield "mp2", 1.0


def stranger(_: ToyEngine) -> Any:
    yield "mp3", Computed(1.0)


def shape(_: ToyEngine) -> Any:
    yield "mp2", Computed(1.0, np.zeros((1, 3)))


def nan_forces(_: ToyEngine) -> Any:
    yield "mp2", Computed(1.0, np.full((2, 3), np.nan))


def no_forces(_: ToyEngine) -> Any:
    yield "mp2", Computed(1.0)


def unpicklable(_: ToyEngine) -> Any:
    yield "mp2", lambda: None


MISBEHAVIOUR = {
    "H": hang,
    "He": segfault,
    "Li": leave,
    "Be": be_raised,
    "B": fail,
    "C": nan,
    "N": nan_part,
    "O": number,
    "F": stranger,
    "Ne": shape,
    "Na": nan_forces,
    "Mg": no_forces,
    "Al": unpicklable,
}
