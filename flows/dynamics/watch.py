"""Is an MD still sane? Looked at after every step; what is wrong ends it with its last good frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import units

from flows.dynamics.settings import DynamicsSettings
from flows.failure import CalculationFailed
from flows.records import Failure

if TYPE_CHECKING:
    from ase import Atoms

STAGE = "vibrations"
LAST_GOOD = "last-good-frame.extxyz"
ADVICE = (
    "look at the last good frame and at the model's training; a smaller timestep_fs helps if energy drifts"
)


@dataclass
class Watch:
    """Limits of one phase of one start. `reference_eV` is the total energy that production must keep, if any."""

    settings: DynamicsSettings
    directory: Path
    start: int
    phase: str
    reference_eV: float | None = None
    good: Atoms | None = field(default=None, init=False)

    def look(self, atoms: Atoms, step: int) -> tuple[float, float]:
        """Potential and kinetic energy, eV.

        Raises:
            CalculationFailed: `exploded`; the last frame that passed lies in the directory.
        """
        potential, kinetic = float(atoms.get_potential_energy()), float(atoms.get_kinetic_energy())
        wrong = self._wrong(atoms, potential, kinetic)
        if wrong:
            raise self._exploded(wrong, step)
        self.good = atoms.copy()
        self.good.info = {"phase": self.phase, "step": step, "start": self.start}
        return potential, kinetic

    def _wrong(self, atoms: Atoms, potential: float, kinetic: float) -> str:
        if not (np.isfinite(potential + kinetic) and np.isfinite(atoms.positions).all()):
            return "energy or positions are not finite"
        asked, found = self.settings.temperature_K, temperature_K(kinetic, len(atoms))
        if found > asked * self.settings.max_temperature_ratio:
            return f"temperature {found:.4g} K where {asked:g} K were asked for"
        if self.reference_eV is None:
            return ""
        moved = (potential + kinetic - self.reference_eV) / len(atoms)
        if abs(moved) > self.settings.max_drift_kT * units.kB * asked:
            return f"total energy moved by {1e3 * moved:.4g} meV per atom, {moved / units.kB / asked:.3g} k T"
        return ""

    def _exploded(self, wrong: str, step: int) -> CalculationFailed:
        if self.good is not None:
            write_frame(self.good, self.directory / LAST_GOOD)
        return CalculationFailed(
            Failure(
                stage=STAGE,
                kind="exploded",
                message=f"{wrong} at step {step} of {self.phase}, start {self.start}",
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
