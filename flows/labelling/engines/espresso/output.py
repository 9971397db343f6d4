"""What `pw.x` leaves in its XML file: all digits, where its text has eight."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

XML = Path("pwscf.save") / "data-file-schema.xml"


@dataclass(frozen=True)
class Found:
    """Hartree and Hartree/Bohr, forces (N, 3); the gap at these k-points, where there are empty bands and no smearing."""

    converged: bool
    cycles: int
    scf_error_Ha: float
    energy_Ha: float
    forces_Ha_Bohr: NDArray
    gap_Ha: float | None


def read_xml(directory: Path, atoms: int) -> Found:
    """Raises: ValueError: it is not there, or not what a calculation of so many `atoms` leaves."""
    try:
        output = ElementTree.parse(directory / XML).getroot().find("output")
        assert output is not None
        found = Found(
            converged=_text(output, "convergence_info/scf_conv/convergence_achieved") == "true",
            cycles=int(_text(output, "convergence_info/scf_conv/n_scf_steps")),
            scf_error_Ha=float(_text(output, "convergence_info/scf_conv/scf_error")),
            energy_Ha=float(_text(output, "total_energy/etot")),
            forces_Ha_Bohr=np.array(_text(output, "forces").split(), dtype=float).reshape(-1, 3),
            gap_Ha=_gap(output),
        )
    except FileNotFoundError:
        raise ValueError(f"it ended well and left no {XML.name}") from None
    except (ElementTree.ParseError, AssertionError, ValueError) as error:
        raise ValueError(f"{XML.name} cannot be read: {error}") from error
    if len(found.forces_Ha_Bohr) != atoms:
        raise ValueError(f"{XML.name} has the forces of {len(found.forces_Ha_Bohr)} atoms, and there are {atoms}")
    if not (math.isfinite(found.energy_Ha) and np.isfinite(found.forces_Ha_Bohr).all()):
        raise ValueError(f"{XML.name} has numbers that are not finite")
    return found


def _gap(output: ElementTree.Element) -> float | None:
    occupied, empty = (output.findtext(f"band_structure/{one}Level") for one in ("highestOccupied", "lowestUnoccupied"))
    return None if occupied is None or empty is None else float(empty) - float(occupied)


def _text(output: ElementTree.Element, path: str) -> str:
    text = output.findtext(path)
    if text is None:
        raise ValueError(f"it has no {path}")
    return text.strip()
