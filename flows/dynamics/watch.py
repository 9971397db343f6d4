"""Is an MD still sane? Looked at after every step; what is wrong ends it with its last good frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import units

from flows.failure import CalculationFailed
from flows.records import Failure

if TYPE_CHECKING:
    from ase import Atoms

STAGE = "vibrations"
LAST_GOOD = "last-good-frame.extxyz"
ADVICE = (
    "look at the last good frame and at what moves the atoms (a model: its training); "
    "a smaller timestep_fs helps if energy drifts"
)


@dataclass(frozen=True)
class Limits:
    """The temperature asked for, how many times it is too much, and the total energy that must be kept, if any,
    to within `max_drift_kT` times k T per atom."""

    temperature_K: float
    max_temperature_ratio: float
    max_drift_kT: float = np.inf
    reference_eV: float | None = None


@dataclass
class Watch:
    """Limits of one phase of an MD, of start number `start` where there are several."""

    limits: Limits
    directory: Path
    phase: str
    start: int | None = None
    stage: str = STAGE
    good: Atoms | None = field(default=None, init=False)

    def look(self, atoms: Atoms, step: int) -> tuple[float, float]:
        """Potential and kinetic energy, eV.

        Raises:
            CalculationFailed: `exploded`; the last frame that passed lies in the directory.
        """
        potential, kinetic = float(atoms.get_potential_energy()), float(atoms.get_kinetic_energy())
        wrong = self._wrong(atoms, potential, kinetic)
        if wrong:
            raise self.exploded(wrong, step)
        self.good = atoms.copy()
        self.good.info = {"phase": self.phase, "step": step}
        if self.start is not None:
            self.good.info["start"] = self.start
        return potential, kinetic

    def _wrong(self, atoms: Atoms, potential: float, kinetic: float) -> str:
        if not (np.isfinite(potential + kinetic) and np.isfinite(atoms.positions).all()):
            return "energy or positions are not finite"
        limits, found = self.limits, temperature_K(kinetic, len(atoms))
        asked = limits.temperature_K
        if found > asked * limits.max_temperature_ratio:
            return f"temperature {found:.4g} K where {asked:g} K were asked for"
        if limits.reference_eV is None:
            return ""
        moved = (potential + kinetic - limits.reference_eV) / len(atoms)
        if abs(moved) > limits.max_drift_kT * units.kB * asked:
            return f"total energy moved by {1e3 * moved:.4g} meV per atom, {moved / units.kB / asked:.3g} k T"
        return ""

    def exploded(self, wrong: str, step: int) -> CalculationFailed:
        if self.good is not None:
            write_frame(self.good, self.directory / LAST_GOOD)
        which = "" if self.start is None else f", start {self.start}"
        return CalculationFailed(
            Failure(
                stage=self.stage,
                kind="exploded",
                message=f"{wrong} at step {step} of {self.phase}{which}",
                advice=ADVICE,
                run_directory=str(self.directory),
            )
        )


def temperature_K(kinetic_eV: float, atoms: int) -> float:
    """2 E / (k (3N - 3)): the centre of mass is at rest."""
    return 2 * kinetic_eV / (units.kB * (3 * atoms - 3))


def write_frame(atoms: Atoms, path: Path) -> None:
    """Extended XYZ with momenta.

    Raises:
        MachineTrouble: it cannot be written.
    """
    import io

    from ase.io import write

    from flows.checkpoints import write_whole
    from flows.failure import MachineTrouble

    text = io.StringIO()
    write(text, atoms, format="extxyz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.getvalue().encode())
    except OSError as error:
        raise MachineTrouble(f"cannot write {path}: {error}") from error
