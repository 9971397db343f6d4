"""Energies of a finished run of Cc4s: its `cc4s.out.yaml`, and the vasprun.xml or OUTCAR of its Hartree-Fock, which has the structure.

The energies have the names of levels: `hf`, `mp2`, `ccsd`, `ccsd(t)`; each is summed as `flows.labelling.engines.cc4s.totals`
says, with all corrections that the output has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from flows.labelling.engines.cc4s.cc4s_output import OUTPUT, Correlation, correlation_in
from flows.labelling.engines.cc4s.method import LEVELS
from flows.labelling.engines.cc4s.steps import HF as GAMMA_HF
from flows.labelling.engines.cc4s.steps import MESH_HF
from flows.labelling.engines.cc4s.totals import Corrections, parts_eV
from flows.labelling.engines.cc4s.wavefiles import parsed_yaml
from flows.labelling.header import FrameError
from flows.labelling.published import outcar, vasprun
from flows.labelling.published.beside import Beside, Companion
from flows.labelling.published.step import Step

HARTREE_FOCK = Companion("hf", ("vasprun.xml", "OUTCAR"), (".", f"../{MESH_HF}", f"../{GAMMA_HF}"))

_GAP_EV = 1e-4  # of smearing's entropy: none where there is a gap
_STEPS = re.compile(rb"^steps\s*:", re.MULTILINE)
_OURS = re.compile(rb"\b(executionEnvironment|floatingPointOperations|convergenceReached|realtime)\b")
_EXACT = re.compile(rb"\bLHFCALC\b[^TF\n]*([TF])\b")
_FRACTION = re.compile(rb"\bAEXX\b[^\d\n]*([\d.]+)")


def is_cc4s_output(content: bytes) -> bool:
    return bool(_STEPS.search(content[:20_000]) and _OURS.search(content[:100_000]))


def steps(content: bytes, beside: Beside) -> Iterator[Step | FrameError]:
    """The one structure of unpacked content, or why it is none."""
    try:
        yield _step(content, beside)
    except FrameError as error:
        yield error


def _step(content: bytes, beside: Beside) -> Step:
    hf = _hartree_fock(beside)
    try:
        found = correlation_in(parsed_yaml(content, OUTPUT))
    except ValueError as error:
        raise FrameError(str(error)) from None
    energies, parts, lacking = {}, {}, {}
    for level in LEVELS:
        try:
            of_level = _parts(level, hf.energies["e_fr_energy"], found)
        except ValueError as error:
            lacking[level] = str(error)
        else:
            energies[level], parts[level] = sum(of_level.values()), tuple(of_level)
    return Step(hf.symbols, hf.cell, hf.positions, energies, {}, parts=parts, lacking=lacking)


def _parts(level: str, hf_eV: float, found: Correlation) -> dict[str, float]:
    if level not in ("hf", "mp2") and not found.converged:
        raise ValueError("CCSD did not converge (convergenceReached is 0)")
    return parts_eV(Corrections.of(found), level, hf_eV, found)


def _hartree_fock(beside: Beside) -> Step:
    """Raises FrameError: it is not there, is no Hartree-Fock, or did not go to its end."""
    content = beside.get(HARTREE_FOCK.role)
    if content is None:
        places = ", ".join(["its own folder", *HARTREE_FOCK.folders[1:]])
        raise FrameError(
            f"no vasprun.xml or OUTCAR of its Hartree-Fock is there (looked in {places}): name the folder, as in beside: ../hf"
        )
    name, read = ("vasprun.xml", vasprun.steps) if vasprun.is_vasprun(content) else ("OUTCAR", outcar.steps)
    failed = partial(_failed, name)
    exact, fraction = _EXACT.findall(content), _FRACTION.findall(content)
    if exact[-1:] != [b"T"] or not fraction or abs(float(fraction[-1]) - 1) > 1e-6:
        raise failed("it is not of Hartree-Fock (LHFCALC = T, AEXX = 1); name the folder of that run, as in beside: ../hf")
    found = list(read(content))
    if len(found) != 1:
        raise failed(f"it has {len(found)} steps, and Hartree-Fock before Cc4s has one")
    if isinstance(found[0], FrameError):
        raise failed(str(found[0]))
    off = found[0].energies["e_0_energy"] - found[0].energies["e_fr_energy"]
    if abs(off) > _GAP_EV:
        raise failed(f"bands are partly filled: smearing changes the energy by {off:.2g} eV")
    return found[0]


def _failed(name: str, why: str) -> FrameError:
    return FrameError(f"its Hartree-Fock, the {name} beside it: {why}")
