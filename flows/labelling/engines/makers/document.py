"""Energy and forces from a task document, as atomate2 and emmet have them for VASP, CP2K, FHI-aims, force fields, ...

`output.energy` (eV), `output.forces` (eV/Å, in the order of `output.structure`) and `state`; a plain document may have
`energy`, `forces` and `structure` itself. VASP's `output.energy` is extrapolated to no smearing, and its forces are
derivatives of the free energy, `e_fr_energy` of the last ionic step: that is taken where it is there. CP2K's forces are in
Hartree/Bohr, as it prints them: pymatgen's reader makes eV of its energies alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.labelling.engines.makers.flow import UnconvergedError

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

SAME_A = 1e-4  # atoms: programs print six decimals or more
SAME_CELL_A = 1e-3  # CP2K prints three
_CONVERGED = "successful"
_PROGRAMS = ("vasp", "cp2k", "aims", "abinit")


@dataclass(frozen=True)
class Found:
    """eV, eV/Å (N, 3) in the order of the atoms that were asked for, versions of programs."""

    energy_eV: float
    forces_eV_A: NDArray[np.float64] | None
    versions: Mapping[str, str]


def read(document: Any, atoms: Atoms, forces: bool) -> Found:
    """What a document says of `atoms`, with its forces where they are wanted.

    Raises:
        UnconvergedError: it says that it is not converged.
        ValueError: it has no such numbers, or they are of another structure.
    """
    output = _part(document, "output")
    places = [document] if output is None else [output, document]
    energy = _free_energy(document)
    energy = _first(places, "energy") if energy is None else energy
    if energy is None:
        raise ValueError(f"no energy in the document of its last job: {_keys(document)}")
    _refuse_unconverged(document)
    order = _order(_first(places, "structure", "mol_or_struct", "molecule"), atoms, document)
    found = _forces(_first(places, "forces"), len(atoms), document)[order] * _force_unit(document) if forces else None
    return Found(_number(energy), found, _versions(document))


def _part(document: Any, *names: str | int) -> Any:
    """A part of nested documents, which are mappings, objects or lists; None where there is none."""
    for name in names:
        if isinstance(document, Mapping):
            document = document.get(name)
        elif isinstance(document, list | tuple):
            document = document[name] if isinstance(name, int) and document else None
        else:
            document = getattr(document, str(name), None)
    return document


def _first(places: list[Any], *names: str) -> Any:
    found = (_part(place, name) for name in names for place in places)
    return next((one for one in found if one is not None), None)


def _free_energy(document: Any) -> Any:
    return _part(document, "calcs_reversed", 0, "output", "ionic_steps", -1, "e_fr_energy")


def _number(value: Any) -> float:
    if isinstance(value, bool | str) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        raise ValueError(f"the energy in the document of its last job is {value!r}")
    return float(value)


def _forces(value: Any, atoms: int, document: Any) -> NDArray[np.float64]:
    if value is None:
        raise ValueError(f"no forces in the document of its last job: {_keys(document)}")
    try:
        found = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise ValueError("the forces in the document of its last job are no numbers") from None
    if found.shape != (atoms, 3) or not np.isfinite(found).all():
        raise ValueError(f"the forces in the document of its last job have the shape {found.shape}, or are not finite; ({atoms}, 3) is expected")
    return found


def _force_unit(document: Any) -> float:
    """eV/Å."""
    from ase.units import Bohr, Hartree

    return Hartree / Bohr if _part(document, "calcs_reversed", 0, "cp2k_version") else 1.0


def _refuse_unconverged(document: Any) -> None:
    state = _part(document, "state")
    state = getattr(state, "value", state)
    if state is not None and state != _CONVERGED:
        errors = _part(document, "analysis", "errors") or ()
        raise UnconvergedError(f"its document says that it is {state}{''.join(f'; {one}' for one in errors)}")
    if any(_part(place, "converged") is False for place in (document, _part(document, "output"))):
        raise UnconvergedError("its document says that it is not converged")


def _order(structure: Any, atoms: Atoms, document: Any) -> NDArray[np.int_]:
    """For each of `atoms` its index in the structure of a document: makers may sort atoms, and wrap them into the cell."""
    symbols, positions, cell = _sites(structure, document)
    if len(symbols) != len(atoms):
        raise ValueError(f"its document is of {len(symbols)} atoms, and the structure has {len(atoms)}: another cell was computed")
    if cell is not None and np.abs(cell - atoms.cell.array).max() > SAME_CELL_A:
        raise ValueError("its document has another cell: lattice vectors were changed or rotated, as by a relaxation")
    moves = np.linalg.solve(atoms.cell.array.T, (positions[None] - atoms.positions[:, None]).reshape(-1, 3).T).T
    distances = np.linalg.norm((moves - moves.round()) @ atoms.cell.array, axis=1).reshape(len(atoms), len(atoms))
    distances[np.array(list(atoms.symbols))[:, None] != np.array(symbols)[None]] = np.inf
    order = distances.argmin(axis=1)
    furthest = distances.min(axis=1).max()
    if furthest > SAME_A or len(set(order)) != len(atoms):
        by = f"one is {furthest:.2g} Å off" if math.isfinite(furthest) else "there are other elements"
        raise ValueError(f"its document has other atoms ({by}): a maker that moves them labels another structure")
    return np.asarray(order)


def _sites(structure: Any, document: Any) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64] | None]:
    """Elements, positions and cell of a structure or a molecule of pymatgen."""
    try:
        symbols = [site.specie.symbol for site in structure]
        lattice = getattr(structure, "lattice", None)
        return symbols, np.array(structure.cart_coords), None if lattice is None else np.array(lattice.matrix)
    except (AttributeError, TypeError):
        raise ValueError(f"no structure in the document of its last job, whose order of atoms its forces have: {_keys(document)}") from None


def _keys(document: Any) -> str:
    """`it is a dict with a, b; its output has c, d`."""
    output = _part(document, "output")
    inside = "" if output is None else f"; its output has {', '.join(_names(output)) or 'nothing'}"
    return f"it is a {type(document).__name__} with {', '.join(_names(document)) or 'nothing'}{inside}"


def _names(document: Any) -> list[str]:
    fields = getattr(type(document), "model_fields", None)
    if fields is not None:
        return [name for name in fields if getattr(document, name, None) is not None]
    return [str(name) for name in document] if isinstance(document, Mapping) else []


def _versions(document: Any) -> dict[str, str]:
    """Of the program, as its last calculation says; of a force field, as its document does."""
    calculation = _part(document, "calcs_reversed", 0)
    found = {name: _part(calculation, f"{name}_version") for name in _PROGRAMS}
    found["force field"] = _part(document, "forcefield_version")
    return {name: str(version) for name, version in found.items() if version}
