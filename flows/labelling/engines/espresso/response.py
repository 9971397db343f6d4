"""The response to an electric field by `ph.x`, after one run of `pw.x`: Born charges and the dielectric tensor."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from flows.failure import CalculationFailed
from flows.labelling.engines.espresso.fitness import band_count
from flows.labelling.engines.espresso.output import Found
from flows.labelling.engines.espresso.run import (
    ground_state,
    input_of,
    refuse_broken,
    refuse_overlap,
    run_directory,
    start,
)
from flows.labelling.engines.protocol import STAGE
from flows.phonons.nac_espresso import UNCONVERGED, is_unconverged, read_born_ph

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

    from flows.labelling.engines.espresso.method import EspressoMethod

INPUT, OUTPUT = "espresso.phi", "espresso.pho"
_TR2 = 1e-16  # Ry²: charges to all digits that ph.x prints, the tensor to six
_failed = partial(CalculationFailed.of, STAGE)


@dataclass(frozen=True)
class Response:
    """Charges (N, 3, 3) in e, rows along the field, and the tensor (3, 3), as `ph.x` of this `version` prints them; what `pw.x` found."""

    born_charges: NDArray
    dielectric: NDArray
    version: str
    ground: Found


def respond(settings: EspressoMethod, atoms: Atoms, files: Mapping[str, Path]) -> Response:
    """What `ph.x` finds for the crystal `atoms`, with the pseudopotential of each element in `files`.

    Raises:
        CalculationFailed: as `run`, of either program; `garbage` is an output without charges and tensor.
    """
    with run_directory(settings, files, response=True) as directory:
        ground = ground_state(settings, atoms, directory, input_of(settings, atoms, band_count(settings, atoms, files), response=True))
        refuse_overlap(ground, "what has no gap has no LO-TO splitting: leave nac out; or is it the k-points?")
        (directory / INPUT).write_text(ph_input(settings))
        code = start(settings.ph_words, directory, INPUT, OUTPUT)
        text = (directory / OUTPUT).read_text(errors="replace")
        if is_unconverged(text):
            raise _failed("unconverged", UNCONVERGED, "raise niter_ph or lower alpha_mix(1), in namelists: {inputph: ...}")
        refuse_broken(settings.ph_words, code, directory, OUTPUT, "ph.x")
    try:
        charges, dielectric = read_born_ph(text, atoms, OUTPUT)
    except ValueError as error:
        raise _failed("garbage", str(error), "is ph_command a ph.x of Quantum ESPRESSO 6.4 or later?") from error
    version = re.search(r"Program PHONON v\.(\S+)", text)
    return Response(charges, dielectric, version[1] if version else "unknown", ground)


def ph_input(settings: EspressoMethod) -> str:
    """The input file of `ph.x`, by ASE: forces by the field give the charges, so that no atom need be displaced."""
    from ase.io.espresso import write_espresso_ph

    ours = {"prefix": "pwscf", "outdir": ".", "epsil": True, "trans": False}
    text = io.StringIO()
    write_espresso_ph(text, input_data={"inputph": {"tr2_ph": _TR2, **settings.namelists.get("inputph", {}), **ours}}, qpts=(0, 0, 0))
    return text.getvalue()
