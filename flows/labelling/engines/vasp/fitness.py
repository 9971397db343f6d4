"""What is known of VASP's settings before it runs: from the heads of POTCARs that are here, and pymatgen's list of tags."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from flows.labelling.engines import program

if TYPE_CHECKING:
    from ase import Atoms

    from flows.labelling.engines.vasp.method import VaspMethod
    from flows.labelling.engines.vasp.potentials import Potcar

Trouble = tuple[str, str]  # a key of the settings, and what is wrong with its value

_FAR_BELOW = 0.6  # of ENMAX: a slip, or another unit


def troubles(method: VaspMethod, atoms: Atoms) -> Iterator[Trouble]:
    """What cannot be right for cells such as `atoms`."""
    yield from unknown_tags(method.incar)
    here: dict[str, Potcar] = {}
    yield from method.unfit_potcars(atoms, here)
    yield from low_cutoff(method.encut_eV, here.values())


def troubles_of_response(method: VaspMethod) -> Iterator[Trouble]:
    """What has no linear response in VASP."""
    if method.asked.exchange:
        yield "functional", f"{method.asked.said} has exact exchange, of which VASP has no linear response: take a functional without it for nac"


def low_cutoff(encut_eV: float, potcars: Iterable[Potcar]) -> Iterator[Trouble]:
    """A cutoff that is none of these potentials."""
    for found in potcars:
        if encut_eV < _FAR_BELOW * found.enmax_eV:
            yield "encut_eV", f"{encut_eV:g} eV is far below ENMAX = {found.enmax_eV:g} eV of {found.title}: is it in eV?"


def unknown_tags(tags: Collection[str]) -> Iterator[Trouble]:
    """VASP reads over what it does not know; pymatgen may not know a new one, which is like none that it knows."""
    from difflib import get_close_matches

    from pymatgen.io.vasp.inputs import Incar

    for tag in set(tags) - Incar.INCAR_PARAMS.keys():
        if close := get_close_matches(tag, Incar.INCAR_PARAMS, n=1, cutoff=0.75):
            yield "incar", f"VASP has no {tag}; did you mean {close[0]}?"


def lacking(method: VaspMethod) -> Iterator[Trouble]:
    """What VASP needs and this machine has not."""
    yield from program.lacking(method.commands())
    yield from method.lacking_potcars()
