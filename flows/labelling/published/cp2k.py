"""The structure of what CP2K prints for RUN_TYPE ENERGY or ENERGY_FORCE; neither ASE nor pymatgen reads it from this file alone.

The energy is `total_energy`, that of FORCE_EVAL. Lattice vectors are printed with three decimals and their lengths with
six, so that vectors along the axes are as good as their lengths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from ase.units import Bohr, Hartree

from flows.labelling.header import FrameError
from flows.labelling.published.step import Step

_NUMBER = r"[-+]?\d*\.\d+(?:[EeDd][-+]?\d+)?"
_RUN = re.compile(r"GLOBAL\| Run type\s+(\S+)")
_PERIODIC = re.compile(r"^ *CELL\| Periodicity\s+(\S+)", re.MULTILINE)
_VECTOR = re.compile(
    rf"^ *CELL\| Vector [abc] \[angstrom\]:?\s+({_NUMBER})\s+({_NUMBER})\s+({_NUMBER})\s+\|[abc]\|\s*=\s*({_NUMBER})", re.MULTILINE
)
_ATOM = re.compile(rf"^\s*\d+\s+\d+\s+([A-Z][a-z]?)\s+\d+\s+({_NUMBER})\s+({_NUMBER})\s+({_NUMBER})")
_ENERGY = re.compile(r"^ *ENERGY\| Total FORCE_EVAL.*?:\s*(\S+)\s*$", re.MULTILINE)
# before version 2024, and since
_FORCE = re.compile(rf"^\s*(?:FORCES\|\s*\d+|\d+\s+\d+\s+[A-Z][a-z]?)\s+({_NUMBER})\s+({_NUMBER})\s+({_NUMBER})")
_FORCES = re.compile(r"^.*(?:ATOMIC FORCES in \[a\.u\.\]|FORCES\| Atomic forces \[hartree/bohr\]).*$", re.MULTILINE)
_COORDINATES = re.compile(r"^.*ATOMIC COORDINATES IN ANGSTROM.*$", re.MULTILINE | re.IGNORECASE)


def is_cp2k_output(content: bytes) -> bool:
    return b"CP2K| version string" in content[:20_000]


def steps(content: bytes) -> Iterator[Step | FrameError]:
    """The one structure of unpacked content, or why it is none."""
    text = content.decode("utf-8", errors="replace")
    try:
        _refuse_unfit(text)
        yield _step(text)
    except FrameError as error:
        yield error


def _refuse_unfit(text: str) -> None:
    run = _RUN.search(text)
    if run is None or run[1] not in ("ENERGY", "ENERGY_FORCE"):
        kind = run[1] if run else "unknown"
        raise FrameError(
            f"RUN_TYPE {kind}: CP2K prints no later structures here; of a run with many, give extended XYZ (in eV, with Lattice=)"
        )
    if "NOT converged" in text:
        raise FrameError("its electrons did not converge: SCF run NOT converged")
    if "SCF run converged" not in text and "outer SCF loop converged" not in text:
        raise FrameError("its electrons did not converge before the output ends")


def _step(text: str) -> Step:
    vectors = np.array([[_float(one) for one in row] for row in _VECTOR.findall(text)[:3]])
    atoms = _table(text, _COORDINATES, _ATOM)
    energy = _ENERGY.search(text)
    if vectors.shape != (3, 4) or not vectors[:, 3].all() or not atoms:
        raise FrameError("it has no cell or no coordinates: print them with PRINT_LEVEL MEDIUM")
    if energy is None:
        raise FrameError("it has no energy: the output ends before")
    forces = np.array([[_float(one) for one in row] for row in _table(text, _FORCES, _FORCE)]).reshape(-1, 3)
    periodic = _PERIODIC.search(text)
    printed = np.linalg.norm(vectors[:, :3], axis=1)
    return Step(
        symbols=tuple(row[0] for row in atoms),
        cell=vectors[:, :3] * (vectors[:, 3] / printed)[:, None],
        positions=np.array([[_float(one) for one in row[1:]] for row in atoms]),
        energies=dict.fromkeys(("total_energy", "free_energy"), _float(energy[1]) * Hartree),
        forces={"forces": forces * Hartree / Bohr} if len(forces) else {},
        pbc=tuple(axis in (periodic[1] if periodic else "") for axis in "XYZ"),
    )


def _table(text: str, title: re.Pattern[str], row: re.Pattern[str]) -> list[tuple[str, ...]]:
    """The rows of the last table with this title: it ends where a line is no row any more."""
    found: list[tuple[str, ...]] = []
    titles = list(title.finditer(text))
    for line in text[titles[-1].end() :].split("\n") if titles else ():
        match = row.match(line)
        if match:
            found.append(match.groups())
        elif found:
            break
    return found


def _float(text: str) -> float:
    try:
        return float(text.replace("D", "E").replace("d", "e"))
    except ValueError:
        raise FrameError(f"{text} is not a number") from None
