"""Projections on bytes: what is kept of a document is cut out of it, and nothing of it is decoded.

A record of a hundred kilobytes costs as much as one of two where a table asks for a few numbers of each.
"""

from collections.abc import Mapping
from struct import Struct
from typing import Any, Final

WHOLE: Final = "keep"
Tree = Mapping[bytes, Any]

_INT32 = Struct("<i")
_DOCUMENT, _ARRAY, _REGEX = 3, 4, 11
# by the type of an element: bytes of its value; where it says its own length, what comes on top of that
_FIXED = {1: 8, 6: 0, 7: 12, 8: 1, 9: 8, 10: 0, 16: 4, 17: 8, 18: 8, 19: 16, 127: 0, 255: 0}
_COUNTED = {2: 4, 3: 0, 4: 0, 5: 5, 12: 16, 13: 4, 14: 4, 15: 0}


class NotCut(Exception):
    """A path that leads through an array, or bytes that are no document: to be decoded."""


def tree_of_bytes(tree: Mapping[str, Any]) -> Tree:
    """The names of a tree of what is kept, at each depth, as a document spells them."""
    return {name.encode(): tree_of_bytes(leaf) if isinstance(leaf, Mapping) else leaf for name, leaf in tree.items()}


def cut(raw: bytes, tree: Tree) -> bytes:
    """The document of the fields in `tree`, in the order in which `raw` has them.

    Raises:
        NotCut: it takes decoding.
    """
    try:
        return _cut(raw, 0, tree)
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise NotCut from error


def _cut(raw: bytes, start: int, tree: Tree) -> bytes:
    end = start + _length(raw, start) - 1
    if not start + 4 <= end < len(raw) or raw[end]:
        raise NotCut
    pieces, left, place = [], len(tree), start + 4
    while place < end and left:
        kind, stop = raw[place], raw.index(0, place + 1, end)
        value, after = stop + 1, _after(raw, kind, stop + 1, end)
        leaf = tree.get(raw[place + 1 : stop])
        if leaf is not None:
            left -= 1
            if leaf == WHOLE:
                pieces.append(raw[place:after])
            elif kind == _DOCUMENT:
                pieces += [raw[place:value], _cut(raw, value, leaf)]
            elif kind == _ARRAY:
                raise NotCut
        place = after
    if place > end:
        raise NotCut
    kept = b"".join(pieces)
    return _INT32.pack(len(kept) + 5) + kept + b"\0"


def _after(raw: bytes, kind: int, value: int, end: int) -> int:
    """Where the next element begins."""
    if kind in _FIXED:
        return value + _FIXED[kind]
    if kind == _REGEX:
        return raw.index(0, raw.index(0, value, end) + 1, end) + 1
    return value + _COUNTED[kind] + _length(raw, value)


def _length(raw: bytes, place: int) -> int:
    length = int.from_bytes(raw[place : place + 4], "little")
    if length > len(raw):
        raise NotCut
    return length
