"""Steps of what pw.x of Quantum ESPRESSO prints, each read by ASE with the beginning of its run.

The energy is `total_energy`, the line with `!`: the free energy, whose derivative the forces are.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator

from flows.labelling.header import FrameError
from flows.labelling.published.step import Step

_SCF = "Self-consistent Calculation"
_POSITIONS = re.compile(r"^ATOMIC_POSITIONS", re.MULTILINE)
_CELL = re.compile(r"^CELL_PARAMETERS", re.MULTILINE)
_RUN = re.compile(r"^\s*Program PWSCF", re.MULTILINE)


def is_pw_output(content: bytes) -> bool:
    return b"Program PWSCF" in content[:5000]


def steps(content: bytes) -> Iterator[Step | FrameError]:
    """Every structure whose electrons were begun, or why it is none; runs may stand one behind another."""
    text = content.decode("utf-8", errors="replace").replace("\r\n", "\n")
    starts = [match.start() for match in _RUN.finditer(text)]
    for start, stop in zip(starts, [*starts[1:], len(text)], strict=True):
        yield from _of_run(text[start:stop])


def _of_run(text: str) -> Iterator[Step | FrameError]:
    beginning, found, _ = text.partition(_SCF)
    if not found:
        yield FrameError("pw.x did not begin with the electrons")
        return
    cuts = [0, *(_before(text, match.start()) for match in _POSITIONS.finditer(text)), len(text)]
    for number, (start, stop) in enumerate(itertools.pairwise(cuts)):
        part = text[start:stop]
        if _SCF in part:
            yield _judged(part if number == 0 else beginning + "\n" + part, part)


def _before(text: str, positions: int) -> int:
    """Where a step begins: at its cell, if that is printed, else at its positions."""
    cells = [match.start() for match in _CELL.finditer(text, max(0, positions - 400), positions)]
    return cells[-1] if cells else positions


def _judged(readable: str, part: str) -> Step | FrameError:
    if "convergence NOT achieved" in part:
        return FrameError("its electrons did not converge: convergence NOT achieved")
    if "convergence has been achieved" not in part:
        return FrameError("its electrons did not converge before the output ends")
    from ase.io.espresso import read_espresso_out

    hybrid = readable.replace("\n!!   total energy", "\n!    total energy")  # ASE looks for one !
    try:
        atoms = next(iter(read_espresso_out(io.StringIO(hybrid), index=slice(-1, None))))
    except Exception as error:  # ASE asserts, unpacks and indexes
        return FrameError(f"unreadable: {type(error).__name__}: {error}")
    results = atoms.calc.results
    energies = {name: float(results["energy"]) for name in ("total_energy", "free_energy") if results.get("energy") is not None}
    return Step(
        symbols=tuple(atoms.get_chemical_symbols()),
        cell=atoms.cell.array,
        positions=atoms.positions,
        energies=energies,
        forces={"forces": results["forces"]} if results.get("forces") is not None else {},
    )
