"""Whether Quantum ESPRESSO can do what it is asked: known from the heads of its pseudopotentials, before it runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flows.labelling.engines.espresso.potentials import PseudoHeader, read_header
from flows.labelling.engines.program import missing

if TYPE_CHECKING:
    from ase import Atoms

    from flows.labelling.engines.espresso.method import EspressoMethod

Trouble = tuple[str, str]  # a key of the settings, and what is wrong with its value

INSTALL = "apt-get install quantum-espresso, or give its path in command"


def troubles(settings: EspressoMethod, atoms: Atoms, files: Mapping[str, Path]) -> tuple[Trouble, ...]:
    """What `settings` lack for cells such as `atoms`, with the pseudopotential of each element in `files`."""
    found: list[Trouble] = list(_unknown_keys(settings))
    heads: dict[str, PseudoHeader] = {}
    for symbol in dict.fromkeys(atoms.symbols):
        if symbol not in files:
            found.append(("pseudopotentials", f"there is none for {symbol}: add {symbol}: and its UPF file"))
            continue
        try:
            heads[symbol] = read_header(files[symbol])
        except OSError as error:
            found.append(("pseudopotentials", f"{files[symbol]} cannot be read: {error.strerror}"))
        except ValueError as error:
            found.append(("pseudopotentials", str(error)))
    for symbol, head in heads.items():
        found += _of_pseudopotential(settings, symbol, files[symbol].name, head)
    if not found:
        found += _open_shell(settings, atoms, heads)
    return tuple(found)


def _of_pseudopotential(settings: EspressoMethod, symbol: str, name: str, head: PseudoHeader) -> Iterator[Trouble]:
    if head.element != symbol:
        yield "pseudopotentials", f"{name} is of {head.element}, not of {symbol}"
    if head.functional != settings.functional:
        about = f"{name} was made for {head.functional}, and the functional is {settings.functional}"
        yield "functional", f"{about}: name a pseudopotential of {settings.functional}, or write functional: {head.functional}"
    if not head.norm_conserving and settings.ecutrho_Ry is None:
        yield "ecutrho_Ry", f"{name} is ultrasoft or PAW, and needs more than 4 ecutwfc_Ry: write one (8 to 12 ecutwfc_Ry is usual)"


def band_count(settings: EspressoMethod, atoms: Atoms, files: Mapping[str, Path]) -> int | None:
    """How many bands of `atoms` pw.x is to compute: the occupied ones and a fifth more, four at least, as it takes for metals
    itself; None: it decides, or `namelists` does.

    Empty bands tell the gap, and a density whose gap is nearly closed converges where occupied bands alone swing for ever.

    Raises:
        OSError, ValueError: a pseudopotential cannot be read.
    """
    if settings.smearing is not None or "nbnd" in settings.namelists.get("system", {}):
        return None
    electrons = _electrons(settings, atoms, {symbol: read_header(files[symbol]) for symbol in dict.fromkeys(atoms.symbols)})
    occupied = math.ceil(round(electrons / 2, 3))
    return occupied + max(4, math.ceil(occupied / 5))


def _electrons(settings: EspressoMethod, atoms: Atoms, heads: Mapping[str, PseudoHeader]) -> float:
    return sum(heads[symbol].valence for symbol in atoms.symbols) - float(settings.namelists.get("system", {}).get("tot_charge", 0))


def _open_shell(settings: EspressoMethod, atoms: Atoms, heads: Mapping[str, PseudoHeader]) -> Iterator[Trouble]:
    electrons = _electrons(settings, atoms, heads)
    if settings.smearing is None and abs(electrons / 2 - round(electrons / 2)) > 1e-3:
        yield "smearing", f"{len(atoms)} atoms have {electrons:g} valence electrons: closed shells need an even number; take another cell, or smearing"


def _unknown_keys(settings: EspressoMethod) -> Iterator[Trouble]:
    from difflib import get_close_matches

    from ase.io.espresso_namelist.keys import ph_keys, pw_keys

    for namelist, keys in settings.namelists.items():
        program = "ph.x" if namelist in ph_keys else "pw.x"
        known = [one.lower() for one in {**pw_keys, **ph_keys}[namelist]]
        for key in keys:
            if key.partition("(")[0] not in {one.partition("(")[0] for one in known}:
                close = get_close_matches(key, known, n=1)
                yield "namelists", f"{program} has no {key} in {namelist}{f'; did you mean {close[0]}?' if close else ''}"


def troubles_of_response(settings: EspressoMethod) -> Iterator[Trouble]:
    """What `settings` lack for the response to an electric field."""
    if settings.smearing is not None:
        yield "smearing", "Born charges and the dielectric tensor are those of an insulator: leave smearing and degauss_Ry out for nac"
    if settings.ph_words == settings.words:
        yield "ph_command", f"command = {settings.command} names no pw.x to take ph.x instead of: write how ph.x is started"


def missing_programs(settings: EspressoMethod, response: bool = False) -> list[str]:
    """The programs of the command that are not on this machine: the first word, and `pw.x` where it is another; those of
    `ph.x` too for a `response`."""
    found = missing(settings.words, "pw.x") + (missing(settings.ph_words, "ph.x") if response else [])
    return list(dict.fromkeys(found))
