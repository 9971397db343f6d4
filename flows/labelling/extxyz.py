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

_KEY = re.compile(
    r"""([A-Za-z_][\w.-]*)\s*=\s*
        (?:"([^"]*)" | '([^']*)' | \{([^}]*)\} | \[([^\]]*)\] | (?![A-Za-z_][\w.-]*\s*=)([^\s"'{\[]*))""",
    re.VERBOSE,
)
_COUNT = re.compile(r"[0-9]{1,9}")
_PLAIN_XYZ = "species:S:1:pos:R:3"


class FrameError(ValueError):
    """A frame that cannot be used; the message is the reason."""


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
            values = np.array([[float(word) for word in row[where]] for row in words]).reshape(-1, 3)
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
    for number, line in enumerate(lines):
        if _COUNT.fullmatch(line.strip()):
            starts.append(number)
        elif "=" in line:
            before = number - 1 if number and 0 < len(lines[number - 1].split()) < 4 else number
            if not starts or starts[-1] < number - 1:
                starts.append(before)
    return starts


def comment_keys(comment: str) -> dict[str, str]:
    """`key=value` pairs of a comment line as text; an empty value is an empty text.

    Raises:
        FrameError: `energy` is given twice, differently.
    """
    keys: dict[str, str] = {}
    for match in _KEY.finditer(comment):
        value = next((group for group in match.groups()[1:] if group is not None), "")
        if match[1] == "energy" and keys.get("energy", value) != value:
            raise FrameError(f"energy is given twice: {keys['energy']} and {value}")
        keys[match[1]] = value
    return keys


def read_columns(frame: FrameText, keys: dict[str, str]) -> tuple[Columns, list[list[str]]]:
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
    columns = parse_properties(keys.get("Properties") or _PLAIN_XYZ)
    words = [line.split() for line in frame.lines]
    for atom, row in enumerate(words):
        if len(row) != columns.width:
            raise FrameError(f"atom {atom} has {len(row)} columns instead of {columns.width}")
    return columns, words


def parse_properties(properties: str) -> Columns:
    """`name:type:columns:...` -> where each name stands.

    Raises:
        FrameError: it is no such text, or lacks species or pos.
    """
    fields = properties.split(":")
    slices: dict[str, slice] = {}
    width = 0
    try:
        for name, _, count in zip(fields[::3], fields[1::3], fields[2::3], strict=True):
            slices[name] = slice(width, width + int(count))
            width += int(count)
    except ValueError:
        raise FrameError(f"unreadable Properties={properties}") from None
    if missing := {"species", "pos"} - slices.keys():
        raise FrameError(f"Properties={properties} lacks {' and '.join(sorted(missing))}")
    if slices["species"].stop - slices["species"].start != 1:
        raise FrameError(f"Properties={properties}: species is not one column")
    return Columns(slices, width)
