"""What an OSZICAR of VASP says of each ionic step: its energies, and after how many electronic cycles.

`F` is the free energy (TOTEN), whose derivative the forces are, `E0` is energy(sigma->0). `E`, which stands before them in an
MD, has the kinetic energy of the atoms and of the thermostat in it. Source: https://www.vasp.at/wiki/index.php/OSZICAR

The reader of pymatgen counts lines of charge predictions as steps, and does not say to which step cycles belong; the tests
hold this one against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from flows.labelling.header import FrameError

_CYCLE = re.compile(r"^\s*[A-Z]{2,5}\s*:\s*(\d+)\s")
_STEP = re.compile(r"^\s*(\d+|\*+)\s+[TF]=")
_VALUE = re.compile(r"\b(F|E0)=\s*(\S+)")
_NELM = re.compile(r"^(?:[^#!\n]*;)?\s*NELM\s*=\s*(\d+)", re.MULTILINE | re.IGNORECASE)
_USUAL_NELM = 60  # VASP's default


@dataclass(frozen=True)
class Energies:
    """Of one ionic step: what OSZICAR calls `F` and `E0`, as texts, and its electronic cycles."""

    number: int
    said: dict[str, str]
    cycles: int

    def in_eV(self) -> dict[str, float]:
        """By the names of vasprun.xml.

        Raises:
            FrameError: one is no number.
        """
        free = self._number("F")
        return {"e_fr_energy": free, "e_0_energy": self._number("E0"), "free_energy": free}

    def _number(self, name: str) -> float:
        try:
            return float(self.said[name])
        except (KeyError, ValueError):
            raise FrameError(f"OSZICAR says {name}= {self.said.get(name, 'nothing')} of step {self.number}") from None


def energies(text: str) -> Iterator[Energies]:
    """Of every ionic step whose line is there, in their order."""
    number = cycles = 0
    for line in text.split("\n"):
        if cycle := _CYCLE.match(line):
            cycles = int(cycle[1])
        elif step := _STEP.match(line):
            number = int(step[1]) if step[1].isdigit() else number + 1
            yield Energies(number, dict(_VALUE.findall(line)), cycles)
            cycles = 0


def most_cycles(steps: list[Energies], incar: str) -> int:
    """NELM: at so many cycles electrons did not converge.

    Where INCAR (empty, if there is none) does not say, it is VASP's default, or where steps have more cycles, as many as any has: then the longest is given up.
    """
    said = _NELM.search(incar)
    return int(said[1]) if said else max([_USUAL_NELM, *(one.cycles for one in steps)])
