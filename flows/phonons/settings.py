"""What a harmonic phonon calculation is asked to do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from flows.records import Matrix3, Structure
from flows.settings import Settings


class PhononSettings(Settings):
    """Finite displacements, DOS mesh and band path. Frequencies in cm^-1, lengths in Å."""

    displacement_A: PositiveFloat = 0.01
    mesh: tuple[PositiveInt, PositiveInt, PositiveInt] = (24, 24, 24)  # Γ-centred
    dos_pitch_cm1: PositiveFloat = 2.0
    points_per_segment: PositiveInt = 51
    imaginary_threshold_cm1: float = Field(default=-1.0, le=0)


class NacSettings(Settings):
    """The non-analytical term: Born charges (e) of the atoms of the primitive cell, dielectric tensor (ε∞), method.

    Tensors are Cartesian, in the orientation of the cell, and have its symmetry: `flows.phonons.nac.nac_settings`.
    """

    born_charges: tuple[Matrix3, ...]
    dielectric: Matrix3
    method: Literal["gonze", "wang"] = "gonze"


class PhononTask(Settings):
    """Phonons of `model` on `primitive` (never relaxed), forces in a `supercell` of it.

    Row i of `supercell` is supercell vector i in units of the primitive vectors. `nac` None: no LO-TO splitting.
    """

    key: str
    system: str
    model: str
    seed: int | None = None
    size: str = ""
    primitive: Structure
    supercell: tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]
    settings: PhononSettings
    nac: NacSettings | None = None
    dtype: str = "float64"


class DirectPhononTask(PhononTask):
    """Phonons of a level, called `model`, by its own engine: `labels` are the keys of its labels with forces."""

    labels: tuple[str, ...]
