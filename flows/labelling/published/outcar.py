"""Steps of OUTCAR, each read by ASE; its energies have the names of vasprun.xml.

`e_fr_energy` is "free energy TOTEN", `e_0_energy` is "energy(sigma->0)". Positions have five decimals in Å: vasprun.xml of the
same run has more.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

from flows.labelling.header import FrameError
from flows.labelling.published.moving_cells import of_one_basis
from flows.labelling.published.step import Step

_CONVERGED = "aborting loop because EDIFF is reached"


def is_outcar(content: bytes) -> bool:
    return content.lstrip()[:5] == b"vasp." and b"executed on" in content[:1000]


def steps(content: bytes) -> Iterator[Step | FrameError]:
    """Every ionic step of unpacked content, or why it is none."""
    yield from of_one_basis(_steps(content))


def _steps(content: bytes) -> Iterator[Step | FrameError]:
    from ase.io import ParseError
    from ase.io.vasp_parsers.vasp_outcar_parsers import OutcarHeaderParser, build_header

    text = io.StringIO(content.decode("utf-8", errors="replace"))
    try:
        header = OutcarHeaderParser(workdir=None).build(build_header(text))
    except (ParseError, ValueError, IndexError, KeyError) as error:
        yield FrameError(f"the beginning of the OUTCAR is unreadable, did the run begin? ({error})")
        return
    lines: list[str] = []
    for line in text:
        lines.append(line)
        if "FREE ENERGIE OF THE ION-ELECTRON SYSTEM" in line:
            lines += [text.readline() for _ in range(4)]
            yield _judged(lines, header)
            lines = []
    if any("Iteration" in line for line in lines):
        yield FrameError("the OUTCAR ends in the middle of a step, is the run finished?")


def _judged(lines: list[str], header: dict[str, object]) -> Step | FrameError:
    if not any(_CONVERGED in line for line in lines):
        return FrameError("its electrons did not converge: EDIFF was not reached")
    from ase.io import ParseError
    from ase.io.vasp_parsers.vasp_outcar_parsers import OutcarChunkParser

    try:
        atoms = OutcarChunkParser(header=header).build(lines)
    except (ParseError, ValueError, IndexError, KeyError, TypeError, AssertionError) as error:
        return FrameError(f"unreadable: {error}")
    results = atoms.calc.results
    names = {"e_fr_energy": "free_energy", "e_0_energy": "energy", "free_energy": "free_energy"}
    return Step(
        symbols=tuple(atoms.get_chemical_symbols()),
        cell=atoms.cell.array,
        positions=atoms.positions,
        energies={key: float(results[name]) for key, name in names.items() if name in results},
        forces={"forces": results["forces"]} if "forces" in results else {},
    )
