"""Whether the crystal that was read can be the one that is meant: ASE reads what no ordered crystal is, and says nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.phonons.crystal import overlap
from flows.phonons.symmetry import SYMPREC_A, dataset, spacegroup

if TYPE_CHECKING:
    from ase import Atoms

_SAME_SITE = re.compile(r"scaled_positions (\d+) and (\d+) are equivalent")
_FULL = 1e-3  # how far an occupancy may be off 1
_ISOTOPE = 0.005  # how far a mass may be off: tables of natural elements differ by less, 6Li and 7Li by more
_NO_GROUP = ("", ".", "?", "0", "None")
FAR_A = 8.0  # caesium has 5.2 Å to its neighbours, and no crystal more than 6
_OPERATORS = re.compile(r"(?:equiv_pos_as_xyz|symop_operation_xyz)\b", re.IGNORECASE)
_SETTING = re.compile(r"^_symmetry_space_group_setting\s+\S", re.IGNORECASE | re.MULTILINE)
_FIRST = re.compile(r"^_(?:symmetry_space_group_name_h-m|space_group_name_h-m_alt)\s.*:\s*1\b", re.IGNORECASE | re.MULTILINE)
# space groups with two choices of the origin: International Tables for Crystallography A
_TWO_ORIGINS = {48, 50, 59, 68, 70, 85, 86, 88, 125, 126, 129, 130, 133, 134, 137, 138, 141, 142, 201, 203, 222, 224, 227, 228}


def refuse_disordered(atoms: Atoms, name: str) -> None:
    """That each site holds one whole atom.

    Raises:
        ValueError: a site is shared, not full, or of no element; the message names it.
    """
    if 0 in atoms.numbers:
        site = int((atoms.numbers == 0).argmax())
        raise ValueError(f"atom {site} of {name} is X, which is no element: give an ordered cell")
    for site, shares in enumerate(atoms.info.get("occupancy", {}).values()):
        if len(shares) > 1 or any(abs(_share(share) - 1) > _FULL for share in shares.values()):
            said = ", ".join(f"{symbol} {_share(share):g}" for symbol, share in shares.items())
            raise ValueError(f"site {site + 1} of {name} is shared or not full ({said}): give an ordered cell")
    for array in ("occupancy", "occupancies"):
        partial = [i for i, share in enumerate(atoms.arrays.get(array, ())) if 0 < abs(_share(share) - 1) > _FULL]
        if partial:
            share = _share(atoms.arrays[array][partial[0]])
            raise ValueError(f"atom {partial[0]} of {name} has the occupancy {share:g}: give an ordered cell")


def refuse_shared(said: list[str], path: Path) -> None:
    """That no site of a CIF holds two elements: without occupancies, ASE keeps the first and says so in a warning.

    Raises:
        ValueError: one does; the message names it.
    """
    for pair in filter(None, map(_SAME_SITE.match, said)):
        from ase.io.cif import parse_cif

        for block in parse_cif(str(path)):
            symbols = block.get_symbols()
            first, second = (symbols[int(site)] for site in pair.groups())
            if first != second:
                raise ValueError(
                    f"sites {int(pair[1]) + 1} and {int(pair[2]) + 1} of {path.name} are one, shared by {first} and {second}: "
                    "give an ordered cell"
                )


def refuse_alternatives(path: Path) -> None:
    """That a CIF has no groups of disorder, of which a crystal has one or the other: ASE takes all of their atoms.

    Raises:
        ValueError: it has some; the message names two of their atoms.
    """
    if path.suffix.lower() != ".cif":
        return
    from ase.io.cif import parse_cif

    for block in parse_cif(str(path)):
        groups = [str(one) for one in block.get("_atom_site_disorder_group") or ()]
        named = [(group, site) for site, group in enumerate(groups) if group not in _NO_GROUP]
        other = next(((group, site) for group, site in named if group != named[0][0]), None)
        if other is not None:
            raise ValueError(
                f"sites {named[0][1] + 1} and {other[1] + 1} of {path.name} are of the groups of disorder {named[0][0]} and "
                f"{other[0]}, of which a crystal has one: give an ordered cell"
            )


def refuse_isotopes(atoms: Atoms, name: str) -> None:
    """That masses which a file gives are those of the natural elements: no others are computed with.

    Raises:
        ValueError: one is not; the message names its atom.
    """
    from ase.data import atomic_masses

    natural, given = atomic_masses[atoms.numbers], atoms.get_masses()
    wrong = np.flatnonzero(~(np.abs(given / natural - 1) < _ISOTOPE))
    if len(wrong):
        atom = int(wrong[0])
        raise ValueError(
            f"atom {atom} ({atoms.symbols[atom]}) of {name} has the mass {given[atom]:g} u, the natural element "
            f"{natural[atom]:g}: isotopes are not computed; give the crystal without masses, and with H for D"
        )


def refuse_unclear_origin(atoms: Atoms, path: Path) -> None:
    """That a CIF whose group has two origins has its operators too: without, ASE takes the first, even for `F d -3 m:2`.

    Raises:
        ValueError: it does not.
    """
    group: Any = atoms.info.get("spacegroup")
    if group is None or path.suffix.lower() != ".cif" or group.no not in _TWO_ORIGINS:
        return
    text = path.read_text(errors="replace")
    if any(found.search(text) for found in (_OPERATORS, _SETTING, _FIRST)):
        return
    raise ValueError(
        f"{path.name} has space group {group.no}, which has two origins, and no symmetry operators: add these "
        "(_space_group_symop_operation_xyz), or give a POSCAR"
    )


def refuse_broken_symmetry(atoms: Atoms, name: str) -> None:
    """That a crystal has the symmetry that its CIF says: not in another setting, nor with an atom beside its site.

    Raises:
        ValueError: operations of the space group are missing.
    """
    group: Any = atoms.info.get("spacegroup")
    if group is None:
        return
    said, symmetry = _operations(group), dataset(atoms)
    found = len(symmetry.rotations) if symmetry is not None else 1
    if found < said:
        raise ValueError(
            f"{name} says space group {group.symbol} ({group.no}), of whose {said} operations its atoms have {found} within "
            f"{SYMPREC_A} Å: are cell and setting those of the group, and fractions like 1/3 written with all of their digits?"
        )


def _operations(group: Any) -> int:
    """How many there are: of operations that a file lists, ASE counts those of a centre of inversion twice."""
    listed = zip(*group.get_op(), strict=True)
    return len({(*rotation.ravel().tolist(), *(np.round(shift * 24) % 24).tolist()) for rotation, shift in listed})


def refuse_overlapping(atoms: Atoms, name: str) -> None:
    """That no two atoms are closer than half of the sum of their covalent radii.

    Raises:
        ValueError: two are; the message names them.
    """
    found = overlap(atoms)
    if found is None:
        return
    distance, (first, second) = found
    symbols = atoms.symbols
    image = "its own image" if first == second else f"atom {second} ({symbols[second]})"
    raise ValueError(
        f"atom {first} ({symbols[first]}) of {name} is {distance:.2g} Å from {image}: atoms overlap; is it in Å, and are "
        "fractions like 1/3 written with all of their digits?"
    )


def refuse_scattered(atoms: Atoms, name: str) -> None:
    """That atoms are near enough to each other to be a crystal, which those of a length in pm are not.

    Raises:
        ValueError: the nearest two are further than `FAR_A` apart.
    """
    from ase.neighborlist import neighbor_list

    if np.isfinite(atoms.cell.volume) and len(neighbor_list("i", atoms, FAR_A)):
        return
    raise ValueError(f"no two atoms of {name} are within {FAR_A:g} Å of each other: is it in Å?")


def refuse_displaced(atoms: Atoms, name: str) -> None:
    """That the crystal has some symmetry: a frame of an MD would be taken for a crystal with its displacements.

    Raises:
        ValueError: it has none.
    """
    if len(atoms) > 1 and spacegroup(atoms) == 1:
        raise ValueError(
            f"the frame of {name} has no symmetry within {SYMPREC_A} Å, as in an MD; give an undisplaced frame, or a "
            "prototype at its lattice constant (a crystal that has none: structure.no_symmetry: true)"
        )


def _share(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 1.0  # `?` and `.` of a CIF: not said
