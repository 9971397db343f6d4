"""What is known of VASP's settings before it runs: from the heads of POTCARs that are here, and pymatgen's list of tags."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from flows.labelling.engines.vasp import potentials
from flows.labelling.engines.vasp.run import missing_programs

if TYPE_CHECKING:
    from ase import Atoms

    from flows.labelling.engines.vasp.method import VaspMethod
    from flows.labelling.engines.vasp.potentials import Potcar, Potential

Trouble = tuple[str, str]  # a key of the settings, and what is wrong with its value

_FAR_BELOW = 0.6  # of ENMAX: a slip, or another unit


def troubles(method: VaspMethod, atoms: Atoms) -> Iterator[Trouble]:
    """What cannot be right for cells such as `atoms`."""
    yield from _unknown_tags(method)
    known = potentials.families()
    if method.family is not None and method.family not in known:
        yield "family", f"pymatgen knows no POTCARs called {method.family}; it knows {', '.join(known)}"
        return
    for symbol in dict.fromkeys(atoms.symbols):
        asked = method.potential(symbol)
        try:
            found = potentials.find(asked, method.potcars)
        except (OSError, ValueError) as error:
            yield "potentials", str(error)
            continue
        if found is not None:
            yield from _of_potcar(method, symbol, found)


def _of_potcar(method: VaspMethod, symbol: str, found: Potcar) -> Iterator[Trouble]:
    for why in potentials.misfits(method.potential(symbol), found, symbol, method.asked.potentials):
        yield "potentials", why
    if method.encut_eV < _FAR_BELOW * found.enmax_eV:
        yield "encut_eV", f"{method.encut_eV:g} eV is far below ENMAX = {found.enmax_eV:g} eV of {found.title}: is it in eV?"


def _unknown_tags(method: VaspMethod) -> Iterator[Trouble]:
    """VASP reads over what it does not know; pymatgen may not know a new one, which is like none that it knows."""
    from difflib import get_close_matches

    from pymatgen.io.vasp.inputs import Incar

    for tag in method.incar.keys() - Incar.INCAR_PARAMS.keys():
        if close := get_close_matches(tag, Incar.INCAR_PARAMS, n=1, cutoff=0.75):
            yield "incar", f"VASP has no {tag}; did you mean {close[0]}?"


def lacking(method: VaspMethod, elements: tuple[str, ...]) -> Iterator[Trouble]:
    """What VASP needs for `elements` and this machine has not."""
    commands = {"command": method.command, "gamma_command": method.gamma_command}
    for key, command in commands.items():
        if command is not None and (missing := missing_programs(shlex.split(command))):
            yield key, f"{', '.join(missing)} is not on this machine; where labels are computed VASP has to be"
    absent = [asked for symbol in elements if not _is_here(asked := method.potential(symbol), method.potcars)]
    if absent:
        what = f"no POTCAR {', '.join(one.text() for one in absent)} {potentials.looked(method.potcars)}"
        known = "" if all(one.sha256 for one in absent) else ": labels are known by these names, as long as neither they nor digests say more"
        yield "potentials", f"{what}{known}; {potentials.how_to_have(method.potcars)}"


def _is_here(asked: Potential, folder: str | None) -> bool:
    try:
        return potentials.find(asked, folder) is not None
    except (OSError, ValueError):
        return True  # what is wrong with it is told as a trouble
