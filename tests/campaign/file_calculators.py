"""A calculator whose numbers are decided by files: importable, because an engine's process loads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ase.calculators.emt import EMT


class Shifted(EMT):
    """EMT, its energy shifted by what a JSON file says (eV), and by the files of a folder."""

    def __init__(self, shift: str, folder: str | None = None, method: str = "PBE") -> None:
        super().__init__()
        self.shift_eV = json.loads(Path(shift).read_text())["shift_eV"]
        if folder is not None:
            self.shift_eV += sum(json.loads(path.read_text()) for path in Path(folder).rglob("*.json"))
        self.method = method

    def calculate(self, *arguments: Any, **named: Any) -> None:
        super().calculate(*arguments, **named)
        for name in ("energy", "free_energy"):
            self.results[name] += self.shift_eV


class Raised(EMT):
    """EMT with the cutoff of asap, its energies and forces times a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__(asap_cutoff=True)
        self.factor = factor

    def calculate(self, *arguments: Any, **named: Any) -> None:
        super().calculate(*arguments, **named)
        for name in ("energy", "free_energy", "forces"):
            self.results[name] = self.factor * self.results[name]
