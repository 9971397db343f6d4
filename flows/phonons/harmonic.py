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
from flows.phonons.nac import add_nac
from flows.phonons.raw_layout import PARAMS, RawLayout, solve
from flows.phonons.settings import NacSettings

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
    `nac` is the non-analytical term that `phonopy` applies.
    """

    phonopy: Phonopy = field(repr=False)
    displacements: int = 0
    sum_rule_eV_A2: float = 0.0
    residual_force_eV_A: float | None = None
    nac: NacSettings | None = None

    def frequencies_cm1(
        self, qpoints: ArrayLike, gamma_toward: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """(Q, 3N) in cm^-1, ascending, at (Q, 3) fractional q-points of the primitive cell.

        With the non-analytical term, those at Γ are the limit from the fractional q-point `gamma_toward`; without
        one, Γ is as if there were no term. Imaginary frequencies are negative. 1 THz = 33.356409519815204 cm^-1
        (10^10 / c).
        """
        asked = self.nearest_gamma(np.asarray(qpoints, dtype=float))
        found = self.phonopy.run_qpoints(
            asked, nac_q_direction=None if gamma_toward is None else np.asarray(gamma_toward)
        )
        return np.asarray(found.frequencies) * cm1_per_THz()

    def nearest_gamma(self, qpoints: NDArray[np.float64]) -> NDArray[np.float64]:
        """The (Q, 3) `qpoints` moved into the first Brillouin zone, where there is a non-analytical term.

        The term of Wang depends on the direction of q, and has no period: it is that of the q nearest to Γ.
        """
        if self.nac is None:
            return qpoints
        from phonopy.structure.brillouin_zone import BrillouinZone

        zone = BrillouinZone(np.linalg.inv(self.phonopy.primitive.cell).tolist(), tolerance=1e-6)
        zone.run(qpoints)
        assert zone.shortest_qpoints is not None
        return np.array(
            [_same_or_first(q, images) for q, images in zip(qpoints, zone.shortest_qpoints, strict=True)]
        )

    def yaml(self) -> bytes:
        """A phonopy YAML file with compact force constants (eV/Å^2), which `phonopy.load` reads."""
        return str(self.phonopy.to_phonopy_yaml(settings=SAVED)).encode()


def harmonic_crystal(
    primitive: Atoms,
    supercell: ArrayLike,
    forces: Forces,
    displacement_A: float = 0.01,
    nac: NacSettings | None = None,
) -> HarmonicCrystal:
    """The harmonic crystal of `primitive`, from `forces` in a `supercell` (3x3, rows in units of its vectors).

    Forces of the undisplaced supercell are subtracted. The force constants are then projected onto those that
    obey translation, index permutation and the space group together (symfc). Masses are those of `primitive`.
    `nac` adds the non-analytical term of an insulator whose `forces` are short-ranged.

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
    project(phonopy)
    add_nac(phonopy, nac)
    return HarmonicCrystal(phonopy, len(displaced), violation, float(np.abs(residual).max()), nac)


def project(phonopy: Phonopy) -> None:
    """Project its force constants onto those that obey translation, index permutation and the space group together.

    phonopy's other way, one symmetry after the other, leaves translation broken: modes of tenths of a cm^-1 at Γ.
    """
    phonopy.symmetrize_force_constants(show_drift=False, use_symfc_projector=True)


def displacements(primitive: Atoms, supercell: ArrayLike, displacement_A: float) -> list[Atoms]:
    """The supercells of which `harmonic_crystal` asks the forces, in its order: the first is undisplaced."""
    phonopy = _phonopy(primitive, supercell)
    phonopy.generate_displacements(distance=displacement_A)
    return [_atoms(cell) for cell in (phonopy.supercell, *(phonopy.supercells_with_displacements or ()))]


def load_phonopy(content: bytes, beside: RawLayout | None = None) -> Phonopy:
    """phonopy's own object from the bytes of `HarmonicCrystal.yaml`, or of another phonopy YAML file and what lies `beside` it.

    Unlike `phonopy.load` it reads nothing else: no BORN, no FORCE_SETS that lies in the working directory. Forces
    become force constants where the file has none. Force constants are as they come: `project` symmetrizes them.

    Raises:
        ValueError: there is no crystal in it, or neither force constants nor forces.
    """
    from phonopy import Phonopy
    from phonopy.interface.phonopy_yaml import PhonopyYaml
    from phonopy.physical_units import get_calculator_physical_units

    read = PhonopyYaml()
    read.read(io.StringIO(content.decode()))
    if read.unitcell is None or read.supercell_matrix is None:
        raise ValueError("no unit cell with a supercell matrix in it")
    if read.unitcell.magnetic_moments is not None and not np.any(read.unitcell.magnetic_moments):
        read.unitcell.magnetic_moments = None  # the projector counts the operations of a crystal of zero moments twice
    found = read.primitive_matrix
    phonopy = Phonopy(
        read.unitcell,
        read.supercell_matrix,
        primitive_matrix="auto" if found is None else found,
        calculator=read.calculator,
    )
    if read.nac_params is not None:
        factor = get_calculator_physical_units(phonopy.calculator).nac_factor
        phonopy.nac_params = {"factor": factor, **read.nac_params}
    if beside is None or not beside.add_to(phonopy, read.dataset):
        _set_force_constants(phonopy, read)
    return phonopy


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


def _set_force_constants(phonopy: Phonopy, read: Any) -> None:
    from phonopy.structure.dataset import forces_in_dataset

    if read.force_constants is not None:
        phonopy.force_constants = read.force_constants
    elif forces_in_dataset(read.dataset):
        solve(phonopy, read.dataset)
    else:
        raise ValueError(f"neither force constants nor forces in it: add force_sets: FORCE_SETS, or force_constants; or {PARAMS}")


def _same_or_first(qpoint: NDArray, images: NDArray) -> NDArray:
    """On the surface of the zone several images are as near to Γ: what was asked for stays."""
    return qpoint if np.abs(images - qpoint).max(axis=1).min() < 1e-6 else images[0]


def _checked(forces: Forces, cell: Any, what: str) -> NDArray[np.float64]:
    """Forces on phonopy's `cell`, (N, 3), finite."""
    atoms = _atoms(cell)
    found = np.array(forces(atoms), dtype=np.float64)
    if found.shape != (len(atoms), 3):
        raise CalculationFailed.of(STAGE, "bad-input", f"forces of {what} have the shape {found.shape}, not {(len(atoms), 3)}")
    if not np.isfinite(found).all():
        bad = int((~np.isfinite(found)).any(axis=1).sum())
        raise CalculationFailed.of(
            STAGE,
            "diverged",
            f"forces of {what} are not finite on {bad} of {len(atoms)} atoms",
            "the potential is unusable here: look at its training",
        )
    return found


def _atoms(cell: Any) -> Atoms:
    """phonopy's `cell` as ASE has it."""
    from ase import Atoms

    return Atoms(cell.symbols, positions=cell.positions, cell=cell.cell, masses=cell.masses, pbc=True)


def _sum_rule_violation(phonopy: Phonopy) -> float:
    from phonopy.harmonic.force_constants import get_drift_force_constants

    assert phonopy.force_constants is not None
    drift = get_drift_force_constants(phonopy.force_constants.copy(), primitive=phonopy.primitive)
    return float(max(abs(drift[0]), abs(drift[1])))
