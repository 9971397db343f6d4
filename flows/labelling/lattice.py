"""Labels at another lattice constant than the crystal's: phonons would be computed where nothing was labelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flows.labelling.published.frame import Frame
from flows.labelling.settings import Expectations
from flows.strain import LATTICE_TOLERANCE, is_isotropic, largest, strain

_DIGITS = 9
_WORTH_SAYING = 1e-6


def is_of_another(frame: Frame, expectations: Expectations) -> bool:
    """Whether its cell is off the training cell by more than lattices of one campaign may be."""
    return expectations.cell is not None and frame.cell_off > LATTICE_TOLERANCE


def why_aside(frame: Frame, expectations: Expectations) -> str:
    """Of one frame that is: `its cell has a = 3.99 Å, the crystal 4.02 (e_xx = -0.75 %)`."""
    found = strain(expectations.cell or (), frame.cell)
    if (a := _lattice_constant(frame, expectations)) is not None:
        return f"its cell has a = {a} Å, the crystal {expectations.lattice_constant:.{_DIGITS}g} ({largest(found)})"
    return f"its cell is off the training cell by {largest(found)}"


def why_none(frames: Sequence[Frame], expectations: Expectations, *, base: bool) -> str:
    """Of a level of which no frame is left, because of these: what they have, and what to write.

    The `base` level decides the crystal; another one was labelled at other structures.
    """
    files = ", ".join(dict.fromkeys(frame.file for frame in frames))
    constants = sorted({a for frame in frames if (a := _lattice_constant(frame, expectations)) is not None}, key=float)
    if len(constants) == 1:
        now = f"{expectations.lattice_constant:.{_DIGITS}g}"
        advice = f"write a: {constants[0]}, or give structure.file that cell" if base else "label the structures of the crystal"
        return f"labels in {files} have a = {constants[0]} Å, the YAML says {now}; {advice}"
    if constants:
        advice = "a campaign is of one volume: keep the frames of one, and write its a" if base else "label the structures of the crystal"
        return f"labels in {files} have a from {constants[0]} to {constants[-1]} Å, the YAML says {expectations.lattice_constant:.{_DIGITS}g}; {advice}"
    worst = max(frames, key=lambda frame: frame.cell_off)
    lengths = np.linalg.norm(worst.cell, axis=1).round(5).tolist()
    advice = "give structure.file the cell of the labels" if base else "label the structures of the crystal"
    off = largest(strain(expectations.cell or (), worst.cell))
    return f"labels in {files} have cells such as {lengths} Å, off the training cell of the YAML by {off}; {advice}"


def remark(frames: Sequence[Frame], expectations: Expectations, name: str) -> str:
    """That the cells of a file differ, by less than would matter; empty where they do not."""
    worst = max(frames, key=lambda frame: frame.cell_off, default=None)
    if worst is None or worst.cell_off <= _WORTH_SAYING:
        return ""
    a = _lattice_constant(worst, expectations)
    advice = "" if a is None else f" (write a: {a})"
    return f"{name}: cells differ by up to {100 * worst.cell_off:.2g} % from the training cell{advice}"


def _lattice_constant(frame: Frame, expectations: Expectations) -> str | None:
    """Of a frame of a cubic crystal whose cell is scaled."""
    if expectations.cell is None or expectations.lattice_constant is None:
        return None
    found = strain(expectations.cell, frame.cell)
    if not is_isotropic(found):
        return None
    return f"{expectations.lattice_constant * (1 + np.trace(found) / 3):.{_DIGITS}g}"
