"""Born charges and dielectric tensor of a run of Quantum ESPRESSO's ph.x (epsil), for the primitive cell of a crystal."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import numpy as np

from flows.phonons.nac_cells import charges_of_primitive

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

UNCONVERGED = "the response to the electric field did not converge"

_NEEDED = {"atoms", "dieltensor", "borneffcharge"}
_MENDED = "Effective charges (d Force / dE) in cartesian axis with asr applied"  # since 7.0, after those as they came out
_SITE = re.compile(r"^(\s*\d+\s+)(\S+)(?=\s+[\d.]+\s+tau\()", re.MULTILINE)
_ERROR = re.compile(r"Error in routine (\S+) \(-?\d+\):\s*\n\s*(.+)")


def is_ph_output(text: str) -> bool:
    return "Program PHONON" in text[:5000]


def is_unconverged(text: str) -> bool:
    """Whether the run ended, and before its response to the field converged, of which ph.x says no more."""
    return _finished(text) and "Electric Fields Calculation" in text and "Dielectric constant in cartesian axis" not in text


def read_born_ph(text: str, primitive: Atoms, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Born charges (N, 3, 3) and dielectric tensor (3, 3) of what ph.x prints, whose cell is one of the crystal `primitive`, in its orientation.

    Rows of the charges are directions of the field, as phonopy has them. Sums of charges that ph.x has mended are not
    taken: what they miss of the acoustic sum rule is to be seen.

    Raises:
        ValueError: it has none, is not finished, or is of another crystal.
    """
    from ase.io.espresso import label_to_symbol, read_espresso_ph

    lines = text[: text.rfind("\n") + 1]  # a number that is cut off is another number
    try:
        plain = _SITE.sub(lambda site: site[1] + label_to_symbol(site[2]), lines.replace(_MENDED, ""))  # species may be called Ni1
        found = read_espresso_ph(io.StringIO(plain))
    except Exception as error:  # whatever its parser stumbles over
        raise ValueError(f"{name} cannot be read{'' if _finished(text) else ', the run is not finished'}: {error}") from error
    whole = [one for one in found.values() if one.keys() >= _NEEDED]
    if not whole:
        raise ValueError(f"{name} has no Born charges, or no dielectric tensor: {_why_none(text)}")
    run, charges = whole[-1]["atoms"], np.array(whole[-1]["borneffcharge"])
    if len(charges) != len(run):
        raise ValueError(f"{name} has the Born charges of {len(charges)} of {len(run)} atoms: is the run finished?")
    return charges_of_primitive(charges, run, primitive, name), whole[-1]["dieltensor"]


def _finished(text: str) -> bool:
    return "JOB DONE." in text


def _why_none(text: str) -> str:
    if error := _ERROR.search(text):
        routine, message = error.groups()
        metal = "; occupations = 'fixed' is for insulators" if "metals" in message else ""
        return f"ph.x stopped in {routine} ({message.strip()}){metal}"
    if not _finished(text):
        return "the run is not finished"
    if is_unconverged(text):
        return f"{UNCONVERGED}; raise niter_ph, or lower alpha_mix(1)"
    return "it takes a run at Γ with epsil = .true."
