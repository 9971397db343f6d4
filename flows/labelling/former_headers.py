"""Files whose headers an earlier version read otherwise: stored labels of them are not what is read today.

Before version 0.2 a header was searched with a regular expression: `xtb/energy=` and an energy inside of a text in quotes
were read as the energy, and of several energies `energy` was taken in silence. The key of a label set has the content of
its files, not how they are read; such files, and no others, have `HEADERS` in it, so that they are read again.
"""

from __future__ import annotations

import re

from flows.labelling.extxyz import split_frames
from flows.labelling.header import FrameError, read_header
from flows.labelling.published.packing import text_of
from flows.labelling.quantities import total_energies

HEADERS = 2
"""Of files that are read otherwise than before; 1: of all others."""

_FORMER_KEY = re.compile(
    r"""([A-Za-z_][\w.-]*)\s*=\s*
        (?:"([^"]*)" | '([^']*)' | \{([^}]*)\} | \[([^\]]*)\] | (?![A-Za-z_][\w.-]*\s*=)([^\s"'{\[]*))""",
    re.VERBOSE,
)


def headers_of(content: bytes) -> int:
    """`HEADERS` where a header of a file has another energy than was read before, or several; else 1."""
    text = text_of(content)
    if text is None:
        return 1
    return HEADERS if any(_otherwise(frame.comment) for frame in split_frames(text)) else 1


def _otherwise(comment: str) -> bool:
    former = {match[1]: next((group for group in match.groups()[1:] if group is not None), "") for match in _FORMER_KEY.finditer(comment)}
    if "energy" not in former:
        return False
    try:
        header = read_header(comment)
        return header.get("energy") != former["energy"] or len(total_energies(header)) > 1
    except FrameError:
        return True
