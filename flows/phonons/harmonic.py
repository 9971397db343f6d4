"""Force constants of a crystal by finite displacements, and the harmonic crystal that they make.

phonopy does the symmetry and the lattice sums. Displacements are reduced by symmetry, forces are taken as
float64, and the primitive cell is used exactly as given.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.failure import CalculationFailed
from flows.records import Failure

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray
    from phonopy import Phonopy

Forces = Callable[["Atoms"], Any]  # atoms -> (N, 3) in eV/Å

STAGE = "phonons"
SAVED = {"force_constants": True, "force_sets": False, "displacements": False}


@dataclass(frozen=True)
class HarmonicCrystal:
    """A crystal with harmonic force constants.

    `sum_rule_eV_A2` is the largest sum over atoms of a component of the force constants, along either index,
    before symmetrization: zero for a potential that does not change when everything moves together.
    `residual_force_eV_A` is the largest force component of the undisplaced supercell, which was subtracted.
    """

    phonopy: Phonopy = field(repr=False)
    displacements: int
    sum_rule_eV_A2: float
    residual_force_eV_A: float

    def frequencies_cm1(self, qpoints: ArrayLike) -> NDArray[np.float64]:
        """(Q, 3N) in cm^-1, ascending, at (Q, 3) fractional q-points of the primitive cell.

        Imaginary frequencies are negative. 1 THz = 33.356409519815204 cm^-1 (10^10 / c).
        """
        return np.asarray(self.phonopy.run_qpoints(np.asarray(qpoints)).frequencies) * cm1_per_THz()

    def yaml(self) -> bytes:
        """A phonopy YAML file with compact force constants (eV/Å^2), which `phonopy.load` reads."""
        return str(self.phonopy.to_phonopy_yaml(settings=SAVED)).encode()


def harmonic_crystal(
    primitive: Atoms, supercell: ArrayLike, forces: Forces, displacement_A: float = 0.01
) -> HarmonicCrystal:
    """The harmonic crystal of `primitive`, from `forces` in a `supercell` (3x3, rows in units of its vectors).

    Forces of the undisplaced supercell are subtracted. The force constants are then projected onto those that
    obey translation, index permutation and the space group together (symfc). Masses are those of `primitive`.

    Raises:
        CalculationFailed: `diverged` where a force is not finite, `bad-input` where forces have another shape.
    """
    phonopy = _phonopy(primitive, supercell)
    phonopy.generate_displacements(distance=displacement_A)
    displaced = phonopy.supercells_with_displacements
    assert displaced is not None
    residual = _checked(forces, phonopy.supercell, "the undisplaced supercell")
    phonopy.forces = [
        _checked(forces, cell, f"displacement {i} of {len(displaced)}") - residual
        for i, cell in enumerate(displaced, start=1)
    ]
    phonopy.produce_force_constants(calculate_full_force_constants=False, show_drift=False)
    violation = _sum_rule_violation(phonopy)
    phonopy.symmetrize_force_constants(show_drift=False, use_symfc_projector=True)
    return HarmonicCrystal(phonopy, len(displaced), violation, float(np.abs(residual).max()))


def load_phonopy(content: bytes) -> Phonopy:
    """phonopy's own object from the bytes of `HarmonicCrystal.yaml`, or of another phonopy YAML file."""
    import phonopy

    return phonopy.load(io.StringIO(content.decode()), log_level=0)


def calculator_forces(calculator: Any) -> Forces:
    """The forces of an ASE calculator."""

    def forces(atoms: Atoms) -> NDArray[np.float64]:
        atoms = atoms.copy()
        atoms.calc = calculator
        return atoms.get_forces()

    return forces


def cm1_per_THz() -> float:
    from phonopy.physical_units import get_physical_units

    return float(get_physical_units().THzToCm)


def _phonopy(primitive: Atoms, supercell: ArrayLike) -> Phonopy:
    from phonopy import Phonopy
    from phonopy.structure.atoms import PhonopyAtoms

    cell = PhonopyAtoms(
        symbols=primitive.get_chemical_symbols(),
        cell=primitive.cell.array,
        scaled_positions=primitive.get_scaled_positions(),
        # ASE's: phonons and MD of one crystal weigh the same; phonopy's YAML has six decimals
        masses=primitive.get_masses().round(6),
    )
    # phonopy counts supercell vectors in columns, and would look for a primitive cell of its own
    return Phonopy(cell, supercell_matrix=np.asarray(supercell).T, primitive_matrix=np.eye(3))


def _checked(forces: Forces, cell: Any, what: str) -> NDArray[np.float64]:
    """Forces on phonopy's `cell`, (N, 3), finite."""
    from ase import Atoms

    atoms = Atoms(cell.symbols, positions=cell.positions, cell=cell.cell, masses=cell.masses, pbc=True)
    found = np.array(forces(atoms), dtype=np.float64)
    if found.shape != (len(atoms), 3):
        raise _failed("bad-input", f"forces of {what} have the shape {found.shape}, not {(len(atoms), 3)}")
    if not np.isfinite(found).all():
        bad = int((~np.isfinite(found)).any(axis=1).sum())
        raise _failed("diverged", f"forces of {what} are not finite on {bad} of {len(atoms)} atoms")
    return found


def _sum_rule_violation(phonopy: Phonopy) -> float:
    from phonopy.harmonic.force_constants import get_drift_force_constants

    assert phonopy.force_constants is not None
    drift = get_drift_force_constants(phonopy.force_constants.copy(), primitive=phonopy.primitive)
    return float(max(abs(drift[0]), abs(drift[1])))


def _failed(kind: str, message: str) -> CalculationFailed:
    advice = "the potential is unusable here: look at its training" if kind == "diverged" else ""
    return CalculationFailed(Failure(stage=STAGE, kind=kind, message=message, advice=advice))
