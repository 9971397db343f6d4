"""Whether VASP and Cc4s can do what they are asked: known from POTCARs and the cell, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from flows.labelling.engines import program
from flows.labelling.engines.cc4s.steps import Sizes
from flows.labelling.engines.vasp.fitness import low_cutoff, unknown_tags

if TYPE_CHECKING:
    from ase import Atoms

    from flows.labelling.engines.cc4s.method import Cc4sMethod
    from flows.labelling.engines.vasp.potentials import Potcar

Trouble = tuple[str, str]  # a key of the settings, and what is wrong with its value

_HA_A2_EV = 3.80998  # hbar^2 / (2 m) in eV Å^2


def troubles(settings: Cc4sMethod, atoms: Atoms, levels: Mapping[str, bool]) -> tuple[Trouble, ...]:
    """What `settings` lack for cells such as `atoms`, as far as the POTCARs of this machine tell."""
    found: dict[str, Potcar] = {}
    said = [*unknown_tags(settings.incar), *settings.unfit_potcars(atoms, found)]
    if not said and len(found) == len(set(atoms.symbols)):
        said += _of_potcars(settings, atoms, levels, found)
    return tuple(said)


def lacking(settings: Cc4sMethod) -> Iterator[Trouble]:
    """Programs and POTCARs that are not on this machine."""
    yield from program.lacking(settings.commands())
    yield from settings.lacking_potcars()


def estimated_sizes(settings: Cc4sMethod, atoms: Atoms, found: Mapping[str, Potcar]) -> Sizes:
    """The numbers of bands, without running VASP: plane waves are counted, electrons are those of the POTCARs."""
    return Sizes.of(settings, plane_waves(atoms, settings.encut_eV), round(_electrons(atoms, found) / 2))


def plane_waves(atoms: Atoms, cutoff_eV: float) -> int:
    """Those at Γ whose kinetic energy is at most `cutoff_eV`."""
    import numpy as np

    vectors = 2 * np.pi * atoms.cell.reciprocal().array
    radius = (cutoff_eV / _HA_A2_EV) ** 0.5
    most = np.floor(radius * atoms.cell.lengths() / (2 * np.pi)).astype(int)
    grid = np.indices(2 * most + 1).reshape(3, -1).T - most
    return int(((grid @ vectors) ** 2).sum(axis=1).__le__(radius**2).sum())


def _of_potcars(settings: Cc4sMethod, atoms: Atoms, levels: Mapping[str, bool], found: Mapping[str, Potcar]) -> Iterator[Trouble]:
    electrons = _electrons(atoms, found)
    if abs(electrons / 2 - round(electrons / 2)) > 1e-3:
        yield "potentials", f"{len(atoms)} atoms have {electrons:g} valence electrons: closed shells need an even number; take another cell"
        return
    yield from low_cutoff(settings.encut_eV, found.values())
    sizes = estimated_sizes(settings, atoms, found)
    if set(levels) - {"hf"} and sizes.kept_bands >= sizes.all_bands:
        yield "orbitals_per_occupied", f"{sizes.kept_bands} orbitals are asked for, and encut_eV gives about {sizes.all_bands}"


def _electrons(atoms: Atoms, found: Mapping[str, Potcar]) -> float:
    return sum(found[symbol].valence for symbol in atoms.symbols)
