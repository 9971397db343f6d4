"""What an OUTCAR of VASP says: sizes, energy, whether the electrons converged, whether it went to its end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_NUMBER = r"\s*[=:]?\s*(-?[\d.]+(?:[eE][-+]?\d+)?)"


@dataclass(frozen=True)
class Outcar:
    """Energies of the cell in eV: `energy_eV` is the free energy (TOTEN), `at_zero_eV` that at zero smearing."""

    version: str
    gamma_only: bool
    plane_waves: int
    electrons: float
    energy_eV: float
    at_zero_eV: float
    converged: bool
    finished: bool

    @property
    def all_bands(self) -> int:
        """As many as plane waves. At Γ, where orbitals are real, VASP prints those of half of the sphere.

        Source: https://manuals.cc4s.org/user-manual/interfaces/vasp.html
        """
        return 2 * self.plane_waves - 1 if self.gamma_only else self.plane_waves

    @property
    def occupied(self) -> int:
        """Bands with two electrons each."""
        return round(self.electrons / 2)


def read_outcar(path: Path) -> Outcar:
    """Raises: ValueError: it is not there, or not that of a calculation that began."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        raise ValueError("VASP left no OUTCAR") from None
    head = text[:1000]
    version = re.search(r"vasp\.(\S+)", head)
    if version is None:
        raise ValueError("OUTCAR is none of VASP: it does not begin with its version")
    return Outcar(
        version=version[1],
        gamma_only="gamma-only" in head,
        plane_waves=int(_last(text, r"maximum number of plane-waves")),
        electrons=_last(text, r"\bNELECT"),
        energy_eV=_last(text, r"free\s+energy\s+TOTEN"),
        at_zero_eV=_last(text, r"energy\(sigma->0\)"),
        converged="aborting loop because EDIFF is reached" in text,
        finished="General timing and accounting" in text,
    )


def _last(text: str, name: str) -> float:
    found = re.findall(name + _NUMBER, text)
    if not found:
        raise ValueError(f"OUTCAR does not say the {re.sub(r'[^A-Za-z ()>0-9-]', '', name.replace('s+', ' '))}")
    return float(found[-1])
