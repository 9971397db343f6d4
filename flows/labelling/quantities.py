"""Which energy and which forces of a frame are meant: those that the level names, or those called so where no others are.

Programs that evaluate a potential write its `energy` beside the `REF_energy` that they were given. Between two totals
nobody can choose but who made the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

import numpy as np

from flows.labelling.extxyz import Columns
from flows.labelling.header import FrameError, Header, number
from flows.labelling.settings import PublishedFile

_FORCES = ("forces", "force")
_SAME_EV = 1e-6
# words before `energy` that make another quantity of it than one more total
_NO_TOTAL = re.compile(
    r"free|kinetic|formation|atomi[sz]ation|cohesive|binding|interaction|adsorption|surface|strain|dispersion|vdw|correlation"
    r"|corr|exchange|nuclear|repulsion|shift|delta|diff|weight|std|var|sigma|uncertainty|error|local|site|per[_ ]?atom"
    r"|mean|average|e0|isolated|zero",
    re.IGNORECASE,
)


def energy_of(header: Header, file: PublishedFile) -> float:
    """The energy that `file` names, or `energy`.

    Raises:
        FrameError: it is absent, empty, no finite number, given twice, or one of several and not named.
    """
    key = file.energy_key or "energy"
    if key not in header:
        raise FrameError(f"it has no {key}= (its keys: {', '.join(header) or 'none'}){_advice(total_energies(header))}")
    text = header[key].strip()
    if not text:
        raise FrameError(f"its {key}= is empty")
    try:
        energy = number(text)
    except ValueError:
        raise FrameError(f"its {key}={text} is not a number") from None
    if not math.isfinite(energy):
        raise FrameError(f"its {key}={text} is not finite")
    if file.energy_key is None and (others := [one for one in total_energies(header) if _another(header, one, energy)]):
        raise FrameError(
            f"it has several energies, energy and {', '.join(others)}: say which is meant, as in energy_key: {others[0]}"
        )
    return energy


def forces_of(columns: Columns, words: list[list[str]], file: PublishedFile) -> np.ndarray:
    """(N, 3) forces that `file` names, or `forces`, or `force`.

    Raises:
        FrameError: they are absent, no finite numbers, or some of several and not named.
    """
    candidates = [name for name, where in columns.slices.items() if _is_force(name) and where.stop - where.start == 3]
    if file.forces_key is not None:
        if file.forces_key not in columns.slices:
            raise FrameError(f"it has no column {file.forces_key} (its columns: {', '.join(columns.slices)})")
        return columns.numbers(file.forces_key, words)
    usual = [name for name in _FORCES if name in columns.slices]
    if not usual:
        advice = f"; if {candidates[0]} are meant, say forces_key: {candidates[0]}" if candidates else ""
        raise FrameError(f"it has no forces, and its level is said to have them{advice}")
    if others := [name for name in candidates if name != usual[0]]:
        raise FrameError(
            f"it has several forces, {usual[0]} and {', '.join(others)}: say which are meant, as in forces_key: {others[0]}"
        )
    return columns.numbers(usual[0], words)


def free_energy_off(header: Header, energy_eV: float, file: PublishedFile) -> float:
    """By how much (eV) `free_energy`, which ASE writes beside `energy`, differs from what is used; 0 without it."""
    if file.energy_key is not None or "free_energy" not in header:
        return 0.0
    try:
        off = abs(number(header["free_energy"].strip()) - energy_eV)
    except ValueError:
        return 0.0
    return off if math.isfinite(off) else 0.0


def total_energies(header: Header) -> list[str]:
    """The keys that may hold a total energy: `energy`, `REF_energy`, `xtb/energy`, `Energy`."""
    return [key for key in header if _last_word(key) == "energy" and not _NO_TOTAL.search(key) and _is_number(header, key)]


def _another(header: Header, key: str, energy_eV: float) -> bool:
    """Whether `key` has another energy: of the same number written twice none has to be chosen."""
    return abs(number(header[key].strip()) - energy_eV) > _SAME_EV


def _is_number(header: Header, key: str) -> bool:
    try:
        return math.isfinite(number(header[key].strip()))
    except ValueError:
        return key == "energy"


def _is_force(name: str) -> bool:
    return _last_word(name) in _FORCES


def _last_word(key: str) -> str:
    """`energy` of `REF_energy`, `xtb/energy`, `dftEnergy`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key)
    words = re.findall(r"[^\W\d_]+", spaced)
    return words[-1].lower() if words else ""


def _advice(found: Iterable[str]) -> str:
    return next((f"; if {one} is meant, say energy_key: {one}" for one in found), "; name it with energy_key")
