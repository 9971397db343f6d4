"""One structure of a program's output, or of a file of ASE, as a frame: the same checks for all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from flows.labelling.header import FrameError, Header
from flows.labelling.published.frame import Frame, check_composition, refuse_flat, refuse_open
from flows.labelling.quantities import energy_of, free_energy_off
from flows.labelling.settings import Expectations, PublishedFile
from flows.strain import size, strain


@dataclass(frozen=True, eq=False)
class Step:
    """A structure and what is said of it: `cell` (3, 3), `positions` (N, 3), `forces` (N, 3) by name.

    `energies` (eV) are by the names that a user may give as `energy_key`. `ruled`: the first is the one that is meant
    where none is named, and the others are other kinds of it; else names decide, as in extended XYZ. `parts` are what an
    energy is the sum of, `lacking` why one is not there, by name.
    """

    symbols: tuple[str, ...]
    cell: np.ndarray
    positions: np.ndarray
    energies: Mapping[str, float]
    forces: Mapping[str, np.ndarray]
    ruled: bool = True
    pbc: tuple[bool, ...] = (True, True, True)
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lacking: Mapping[str, str] = field(default_factory=dict)


def frame_of(step: Step, index: int, file: PublishedFile, expectations: Expectations) -> Frame:
    """The frame number `index` of a file.

    Raises:
        FrameError: it cannot be used; the message says why.
    """
    check_composition(step.symbols, expectations.composition)
    refuse_open(step.pbc, " ".join("T" if one else "F" for one in step.pbc))
    refuse_flat(step.cell, " ".join(f"{number:g}" for number in step.cell.ravel()))
    atoms = (len(step.symbols), 3)
    if any(one.shape != atoms for one in (step.positions, *step.forces.values())):
        raise FrameError(f"its positions or forces are not those of its {len(step.symbols)} atoms")
    key, energy_eV, beside = _ruled(step, file) if step.ruled else _named(step, file)
    return Frame(
        file=file.name,
        index=index,
        level=file.level,
        symbols=step.symbols,
        cell=step.cell,
        cell_off=0.0 if expectations.cell is None else size(strain(expectations.cell, step.cell)),
        positions=_finite(step.positions, "positions"),
        energy_eV=energy_eV,
        forces=_forces(step, file) if file.forces else None,
        energy_key=key,
        beside=beside,
        parts=step.parts.get(key, ()),
    )


def _ruled(step: Step, file: PublishedFile) -> tuple[str, float, dict[str, float]]:
    """The energy of a program whose kinds of energy are known: the first, or the one that is named."""
    if not step.energies:
        raise FrameError("it has no energy")
    key = file.energy_key or next(iter(step.energies))
    if key in step.lacking:
        raise FrameError(f"it has no {key}: {step.lacking[key]}")
    if key not in step.energies:
        raise FrameError(f"it has no {key} (its energies: {', '.join(step.energies)})")
    energy_eV = step.energies[key]
    if not math.isfinite(energy_eV):
        raise FrameError(f"its {key} = {energy_eV} is not finite")
    others = {} if file.energy_key else {name: abs(one - energy_eV) for name, one in step.energies.items() if one != energy_eV}
    return key, energy_eV, others


def _named(step: Step, file: PublishedFile) -> tuple[str, float, dict[str, float]]:
    """The energy by the rule of extended XYZ, which what ASE keeps follows, too."""
    header = Header({name: (repr(float(one)),) for name, one in step.energies.items()})
    energy_eV = energy_of(header, file)
    return file.energy_key or "energy", energy_eV, {"free_energy": free_energy_off(header, energy_eV, file)}


def _forces(step: Step, file: PublishedFile) -> np.ndarray:
    if file.forces_key is not None:
        if file.forces_key not in step.forces:
            raise FrameError(f"it has no {file.forces_key} (its forces: {', '.join(step.forces) or 'none'})")
        return _finite(step.forces[file.forces_key], file.forces_key)
    if not step.forces:
        raise FrameError("it has no forces, and its level is said to have them")
    first, *others = step.forces
    if others:
        raise FrameError(
            f"it has several forces, {', '.join(step.forces)}: say which are meant, as in forces_key: {others[0]}"
        )
    if first != "forces":
        raise FrameError(f"it has no forces, and its level is said to have them; if {first} are meant, say forces_key: {first}")
    return _finite(step.forces[first], "forces")


def _finite(numbers: np.ndarray, name: str) -> np.ndarray:
    """(N, 3) `numbers`; raises FrameError where one is not finite."""
    if not np.isfinite(numbers).all():
        atom = int(np.argwhere(~np.isfinite(numbers))[0, 0])
        raise FrameError(f"{name} of atom {atom} are not finite")
    return numbers
