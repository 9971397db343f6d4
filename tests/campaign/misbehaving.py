"""EMT that misbehaves at one structure: importable, because an engine's process loads it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from ase.calculators.calculator import all_changes
from ase.calculators.emt import EMT


class Misbehaving(EMT):
    """At the structure whose first atom has this x (Å) it crashes, hangs, or answers nonsense."""

    def __init__(self, how: str, at_x_A: float) -> None:
        super().__init__()
        self.how, self.at_x_A = how, at_x_A

    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        if abs(atoms.positions[0, 0] - self.at_x_A) > 1e-9:
            return
        match self.how:
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "hang":
                time.sleep(600)
            case "garbage":
                self.results["energy"] = float("nan")
