"""What a harmonic phonon calculation is asked to do."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from flows.records import Structure
from flows.settings import Settings


class PhononSettings(Settings):
    """Finite displacements, DOS mesh and band path. Frequencies in cm^-1, lengths in Å."""

    displacement_A: PositiveFloat = 0.01
    mesh: tuple[PositiveInt, PositiveInt, PositiveInt] = (24, 24, 24)  # Γ-centred
    dos_pitch_cm1: PositiveFloat = 2.0
    points_per_segment: PositiveInt = 51
    imaginary_threshold_cm1: float = Field(default=-1.0, le=0)


class PhononTask(Settings):
    """Phonons of `model` on `primitive` (never relaxed), forces in a `supercell` of it.

    Row i of `supercell` is supercell vector i in units of the primitive vectors.
    """

    key: str
    system: str
    model: str
    seed: int
    size: str
    primitive: Structure
    supercell: tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]
    settings: PhononSettings
    dtype: str = "float64"
