"""The non-analytical term: what long-ranged electric fields add to the forces of a short-ranged model.

Near Γ the dynamical matrix of an insulator gains (4π e²/Ω) (q·Z*_i)_α (q·Z*_j)_β / (q·ε∞·q) / sqrt(m_i m_j): Pick,
Cohen and Martin, Phys. Rev. B 1, 910 (1970). phonopy carries it into the zone, by Gonze and Lee, Phys. Rev. B 55,
10355 (1997), or by Wang et al., J. Phys.: Condens. Matter 22, 202201 (2010).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from flows.phonons.settings import NacSettings
from flows.records import Matrix3

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import ArrayLike, NDArray
    from phonopy import Phonopy

SUM_RULE = 0.05
"""e per atom, or as a fraction of the mean charge where that is above 1 e: how far the Born charges may sum to something
else than zero; what is left is spread over the atoms. phonopy mends any sum."""

BROKEN_SYMMETRY, BROKEN_FRACTION = 0.1, 0.02
"""How much symmetry may change a tensor that was given for the crystal, or by which part of its largest element."""

DIGITS = 10  # plain numbers, the same on every machine: they are part of keys


def nac_settings(
    primitive: Atoms,
    born_charges: ArrayLike,
    dielectric: ArrayLike,
    method: Literal["gonze", "wang"] = "gonze",
    sum_rule_e: float | None = None,
) -> NacSettings:
    """The term for `primitive`, from (N, 3, 3) Born charges (e) and the (3, 3) dielectric tensor, both Cartesian.

    Tensors are symmetrized with the space group, and what the charges miss of the acoustic sum rule is spread
    evenly, by phonopy: up to `sum_rule_e` (e), without it up to `SUM_RULE`.

    Raises:
        ValueError: another number of atoms, a number that is not finite, a sum of charges that is not zero, tensors that
            the symmetry of the crystal forbids, a dielectric tensor that is not positive.
    """
    given, tensor = np.array(born_charges, dtype=float), np.array(dielectric, dtype=float)
    if given.shape != (len(primitive), 3, 3):
        raise ValueError(f"born_charges: {len(given)} given, the primitive cell has {len(primitive)} atoms")
    _refuse_infinite(given, tensor)
    total = given.sum(axis=0)
    bound = sum_rule_bound(given) if sum_rule_e is None else sum_rule_e
    if np.abs(total).max() > bound:
        raise ValueError(
            f"born_charges: they should sum to zero over the atoms of the primitive cell, and the sum is {_shown(total)} "
            f"(at most {bound:.3g} is mended; sum_rule_e sets another bound)"
        )
    charges, epsilon = _symmetrized(primitive, given, tensor)
    for name, before, after in (
        ("born_charges", given - total / len(given), charges),
        ("dielectric", tensor, epsilon),
    ):
        if np.abs(before - after).max() > max(BROKEN_SYMMETRY, BROKEN_FRACTION * np.abs(before).max()):
            raise ValueError(
                f"{name}: the symmetry of the crystal makes {_shown(after)} of {_shown(before)}; are these tensors for "
                "this orientation of the cell, and this order of its atoms?"
            )
    if np.linalg.eigvalsh(epsilon).min() < 1.0:
        raise ValueError(f"dielectric: should be 1 or more in every direction, got {_shown(epsilon)}")
    return NacSettings(born_charges=tuple(map(_matrix, charges)), dielectric=_matrix(epsilon), method=method)


def missed_e(born_charges: ArrayLike) -> float:
    """The largest component (e) of the sum of (N, 3, 3) Born charges, which should be zero."""
    return float(np.abs(np.sum(born_charges, axis=0)).max())


def sum_rule_bound(born_charges: NDArray) -> float:
    """e: what (N, 3, 3) Born charges may miss of the acoustic sum rule, and is mended."""
    mean = np.abs(np.trace(born_charges, axis1=1, axis2=2)).mean() / 3
    return float(SUM_RULE * len(born_charges) * max(1.0, mean))


def _refuse_infinite(charges: NDArray, dielectric: NDArray) -> None:
    for atom, charge in enumerate(charges):
        if not np.isfinite(charge).all():
            raise ValueError(f"born_charges: those of atom {atom} are not finite: {charge.tolist()}")
    if not np.isfinite(dielectric).all():
        raise ValueError(f"dielectric: it is not finite: {dielectric.tolist()}")


def read_born(text: str, primitive: Atoms, name: str = "the BORN file") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Born charges (N, 3, 3) and dielectric tensor (3, 3) of a BORN file of phonopy for `primitive`.

    It lists the atoms that symmetry does not make from each other, in the order of the cell. The conversion factor
    of its first line is not used: it follows from our units.

    Raises:
        ValueError: the text is no such file, or about another number of atoms; where a number is not finite, its line.
    """
    return read_born_of(text, _phonopy_atoms(primitive), name)


def read_born_of(text: str, primitive: Any, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`read_born`, for phonopy's own primitive cell."""
    from phonopy.file_IO import parse_BORN_from_strings

    _refuse_words(text, name)
    try:
        found = parse_BORN_from_strings(text, primitive)
    except Exception as error:  # phonopy's own, and whatever its parser stumbles over
        raise ValueError(
            f"this is no BORN file for the primitive cell: {' '.join(str(error).split())}"
        ) from None
    return np.array(found["born"]), np.array(found["dielectric"])


def _refuse_words(text: str, name: str) -> None:
    """Comparisons with NaN are all false: it has to be looked for."""
    for number, line in enumerate(text.splitlines(), start=1):
        for word in line.partition("#")[0].split():
            if word.lower().lstrip("+-") in ("nan", "inf", "infinity"):
                raise ValueError(f"{name}, line {number}: {word} is no charge and no dielectric constant")


def add_nac(phonopy: Phonopy, nac: NacSettings | None) -> None:
    """Have `phonopy` apply the term, in the units of its calculator; None takes it away."""
    from phonopy.physical_units import get_calculator_physical_units

    if nac is None:
        phonopy.nac_params = None
        return
    phonopy.nac_params = {
        "born": np.array(nac.born_charges),
        "dielectric": np.array(nac.dielectric),
        "factor": get_calculator_physical_units(phonopy.calculator).nac_factor,
        "method": nac.method,
    }


def _symmetrized(primitive: Atoms, charges: NDArray, epsilon: NDArray) -> tuple[NDArray, NDArray]:
    from phonopy.structure.symmetry import symmetrize_borns_and_epsilon

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what symmetry breaks is refused by the caller, in our words
        return symmetrize_borns_and_epsilon(charges, epsilon, _phonopy_atoms(primitive))


def _phonopy_atoms(primitive: Atoms) -> Any:
    from phonopy.structure.atoms import PhonopyAtoms

    return PhonopyAtoms(
        symbols=primitive.get_chemical_symbols(),
        cell=primitive.cell.array,
        scaled_positions=primitive.get_scaled_positions(),
    )


def _matrix(tensor: NDArray) -> Matrix3:
    a, b, c = (np.round(tensor, DIGITS) + 0.0).tolist()
    return tuple(a), tuple(b), tuple(c)


def _shown(tensor: NDArray) -> str:
    return str((np.round(tensor, 4) + 0.0).tolist())
