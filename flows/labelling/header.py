"""The second line of a frame of extended XYZ -> its keys, each with the text of its value.

The grammar is that of the specification (https://github.com/libAtoms/extxyz): `key=value` pairs between blanks, which
may surround the `=` too; keys and values are bare or in double quotes, where a backslash takes the next character as
it is; arrays stand in brackets. What was written before there was a specification is read as well: arrays in quotes or
braces, single quotes, and keys alone. ASE's `key_val_str_to_dict` knows neither matrices nor keys given twice, and takes
the next key for the value of an empty `energy=`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_BLANKS = re.compile(r"\s*")
_BARE_KEY = re.compile(r"[^\s=]+")
_BARE_VALUE = re.compile(r"\S*")
_NEXT_KEY = re.compile(r"""\s+(?:"(?:[^"\\]|\\.)*"|[^\s="'{}\[\]]+)\s*=""")
_WORD = re.compile(r"[^\s,\[\]\"]+")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[dDeE][+-]?\d+)?", re.ASCII)
_CLOSING = {'"': '"', "'": "'", "{": "}"}


class FrameError(ValueError):
    """A frame that cannot be used; the message is the reason."""


@dataclass(frozen=True)
class Header(Mapping[str, str]):
    """Keys of one header; an array is its elements between blanks, an empty value an empty text."""

    values_of: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __getitem__(self, key: str) -> str:
        """The one value of `key`.

        Raises:
            KeyError: there is none.
            FrameError: it is given twice, differently.
        """
        first, *others = self.values_of[key]
        for other in others:
            if other != first:
                raise FrameError(f"{key} is given twice: {first} and {other}")
        return first

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_of)

    def __len__(self) -> int:
        return len(self.values_of)

    def structural(self, key: str) -> str | None:
        """The value of `Lattice`, `Properties` or `pbc` however it is capitalized: GPUMD writes `properties`.

        Raises:
            FrameError: it is given twice, differently.
        """
        spellings = [one for one in self if one.lower() == key.lower()]
        if not spellings:
            return None
        first, *others = (self[one] for one in spellings)
        if any(other != first for other in others):
            raise FrameError(f"{key} is given twice, as {' and '.join(spellings)}")
        return first


def read_header(comment: str) -> Header:
    """The keys of a comment line, in their order.

    Raises:
        FrameError: a quote or a bracket is never closed.
    """
    found: dict[str, list[str]] = {}
    at = _blanks(comment, 0)
    while at < len(comment):
        key, at = _key(comment, at)
        equals = _blanks(comment, at)
        if comment[equals : equals + 1] == "=":
            value, at = _value(comment, equals + 1)
            found.setdefault(key, []).append(value)
        at = _blanks(comment, at)
    return Header({key: tuple(values) for key, values in found.items()})


def number(text: str) -> float:
    """A number of the specification, whose exponent may be Fortran's d; nan and inf are for the caller to refuse.

    Raises:
        ValueError: it is none.
    """
    if "_" not in text:  # Python takes 1_0 for 10
        try:
            return float(text)
        except ValueError:
            pass
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text} is not a number")
    return float(re.sub("[dD]", "e", text))


def _blanks(text: str, at: int) -> int:
    return _BLANKS.match(text, at).end()  # type: ignore[union-attr]  # matches everywhere


def _key(text: str, at: int) -> tuple[str, int]:
    if text[at] == '"':
        return _enclosed(text, at)
    match = _BARE_KEY.match(text, at)
    return (match[0], match.end()) if match else ("", at)


def _value(text: str, at: int) -> tuple[str, int]:
    """The value that begins behind an `=`, and where it ends."""
    if _NEXT_KEY.match(text, at):
        return "", at
    at = _blanks(text, at)
    opening = text[at : at + 1]
    if opening == "[":
        return _array(text, at)
    if opening in _CLOSING:
        return _enclosed(text, at)
    match = _BARE_VALUE.match(text, at)
    assert match is not None
    return match[0], match.end()


def _enclosed(text: str, at: int) -> tuple[str, int]:
    """What stands in the quotes or braces that open at `at`."""
    closing, start = _CLOSING[text[at]], at
    said: list[str] = []
    at += 1
    while at < len(text):
        if text[at] == closing:
            return "".join(said), at + 1
        if text[at] == "\\" and closing == '"' and at + 1 < len(text):
            at += 1
            said.append("\n" if text[at] == "n" else text[at])
        else:
            said.append(text[at])
        at += 1
    raise FrameError(f"its second line has a {text[start]} that is never closed: {text[start : start + 30]}")


def _array(text: str, at: int) -> tuple[str, int]:
    """The elements in brackets, those of a matrix row by row."""
    start, depth = at, 0
    words: list[str] = []
    while at < len(text):
        if text[at] in "[]":
            depth += 1 if text[at] == "[" else -1
            at += 1
            if depth == 0:
                return " ".join(words), at
        elif text[at] == '"':
            word, at = _enclosed(text, at)
            words.append(word)
        elif match := _WORD.match(text, at):
            words.append(match[0])
            at = match.end()
        else:
            at += 1
    raise FrameError(f"its second line has a [ that is never closed: {text[start : start + 30]}")
