"""Text of extended XYZ -> one frame after another, so that a damaged frame never costs its neighbours.

ASE's reader of a whole file stops at the first bad line, and takes the next key for the value of an empty
`energy=`. Here every frame is cut out of the text first, and then read on its own.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols

from flows.labelling.header import FrameError, Header, number

_COUNT = re.compile(r"[0-9]{1,9}")
_PLAIN_XYZ = "species:S:1:pos:R:3"


@dataclass(frozen=True)
class FrameText:
    """The lines of one frame: `index` counts from 0 in its file, `count` is the first line as it stands."""

    index: int
    count: str
    comment: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Columns:
    """The per-atom columns of one frame, by name; `width` of them in each line."""

    slices: dict[str, slice]
    width: int

    def numbers(self, name: str, words: Sequence[Sequence[str]]) -> np.ndarray:
        """The three columns of `name` as (N, 3) floats.

        Raises:
            FrameError: they are not three, not numbers, or not finite.
        """
        where = self.slices[name]
        if where.stop - where.start != 3:
            raise FrameError(f"{name} has {where.stop - where.start} columns instead of 3")
        try:
            values = np.array([[number(word) for word in row[where]] for row in words]).reshape(-1, 3)
        except ValueError as error:
            raise FrameError(f"unreadable {name}: {error}") from None
        if not np.isfinite(values).all():
            atom = int(np.argwhere(~np.isfinite(values))[0, 0])
            raise FrameError(f"{name} of atom {atom} are not finite")
        return values


def split_frames(text: str) -> list[FrameText]:
    """Cut `text` into frames, found by their first lines: a lone number, or what precedes a line with `=`."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    starts = _starts(lines)
    frames = []
    for index, (start, stop) in enumerate(itertools.pairwise([*starts, len(lines)])):
        block = lines[start:stop]
        while block and not block[-1].strip():
            block.pop()
        if "=" in block[0]:  # the line with the number of atoms is lost
            block = ["", *block]
        frames.append(FrameText(index, block[0].strip(), "".join(block[1:2]), tuple(block[2:])))
    return frames


def _starts(lines: list[str]) -> list[int]:
    starts: list[int] = []
    for row, line in enumerate(lines):
        if _COUNT.fullmatch(line.strip()):
            starts.append(row)
        elif "=" in line:
            before = row - 1 if row and 0 < len(lines[row - 1].split()) < 4 else row
            if not starts or starts[-1] < row - 1:
                starts.append(before)
    return starts


def read_columns(frame: FrameText, header: Header) -> tuple[Columns, list[list[str]]]:
    """Columns by the `Properties` of the frame, and the words of each of its lines.

    Raises:
        FrameError: the number of lines or of columns is not what the frame says that it is.
    """
    if not _COUNT.fullmatch(frame.count):
        raise FrameError(f"its first line is {frame.count!r} instead of a number of atoms")
    if int(frame.count) == 0:
        raise FrameError("it has no atoms")
    if len(frame.lines) != int(frame.count):
        raise FrameError(
            f"it should have {frame.count} lines of atoms and has {len(frame.lines)}: truncated or garbled"
        )
    properties = header.structural("Properties")
    columns = parse_properties(properties or _PLAIN_XYZ)
    words = [line.split() for line in frame.lines]
    for atom, row in enumerate(words):
        if len(row) != columns.width:
            why = "" if properties else ", and no Properties= says what they are"
            raise FrameError(f"atom {atom} has {len(row)} columns instead of {columns.width}{why}")
    return columns, words


def read_symbols(columns: Columns, words: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The element of each atom, by the column `species`, or by its atomic number in `Z`.

    Raises:
        FrameError: an atomic number is none, or another element than its species.
    """
    named = [row[columns.slices["species"]][0] for row in words] if "species" in columns.slices else None
    if "Z" not in columns.slices:
        return tuple(named or ())
    numbered = [_of_number(atom, row[columns.slices["Z"]][0]) for atom, row in enumerate(words)]
    if named is not None and named != numbered:
        atom = next(i for i, (one, other) in enumerate(zip(named, numbered, strict=True)) if one != other)
        raise FrameError(f"atom {atom} is {named[atom]} by its species and {numbered[atom]} by its Z")
    return tuple(numbered)


def _of_number(atom: int, text: str) -> str:
    if not _COUNT.fullmatch(text) or not 0 < int(text) < len(chemical_symbols):
        raise FrameError(f"atom {atom} has Z={text}, which is no element")
    return chemical_symbols[int(text)]


def parse_properties(properties: str) -> Columns:
    """`name:type:columns:...` -> where each name stands.

    Raises:
        FrameError: it is no such text, or lacks species or pos.
    """
    fields = properties.strip().split(":")
    slices: dict[str, slice] = {}
    width = 0
    try:
        for name, _, text in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
            count = int(text)
            if count < 1:
                raise ValueError
            if name in slices:
                raise FrameError(f"Properties={properties} names {name} twice")
            slices[name] = slice(width, width + count)
            width += count
    except FrameError:
        raise
    except ValueError:
        raise FrameError(f"unreadable Properties={properties}") from None
    if missing := [name for name in ("species", "pos") if name not in slices and not (name == "species" and "Z" in slices)]:
        raise FrameError(f"Properties={properties} lacks {' and '.join(missing)}")
    for name in ("species", "Z"):
        if name in slices and slices[name].stop - slices[name].start != 1:
            raise FrameError(f"Properties={properties}: {name} is not one column")
    return Columns(slices, width)
