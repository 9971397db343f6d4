"""Values that a user brings as CSV: frequencies at named points or along the path, and densities of states.

Frequencies: the columns `point`, or `from`, `to` and `fraction` (of the way from one named point to the next), and
`frequency_cm1`; `error_cm1` and `branch` if known. Both kinds of rows may stand in one file:

    point,from,to,fraction,frequency_cm1,error_cm1,branch
    X,,,,807,10,TA
    ,Γ,X,0.25,437,,TA

A density of states: `frequency_cm1` and `dos`, in any unit. Lines that begin with # are comments. What is wrong with
the columns is an error; a row that is wrong is set aside and named, and the rest goes on.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Generic, TypeVar

T = TypeVar("T")
Row = dict[str, str]

ALONG = ("from", "to", "fraction")
OPTIONAL = ("error_cm1", "branch")
GAMMAS = {"gamma": "Γ", "g": "Γ", "\\gamma": "Γ"}


@dataclass(frozen=True)
class Frequency:
    """One frequency, at a named `point`, or a `fraction` of the way between the two of `along`."""

    line: int
    frequency_cm1: float
    error_cm1: float | None = None
    branch: str = ""
    point: str | None = None
    along: tuple[str, str] | None = None
    fraction: float = 0.0

    @property
    def where(self) -> str:
        return self.point or f"{self.fraction:g} of {'-'.join(self.along or ())}"


@dataclass(frozen=True)
class Read(Generic[T]):
    """The rows of a file that can be used, and what is wrong with the others: file, line, value."""

    rows: tuple[T, ...]
    set_aside: tuple[str, ...] = ()


def read_frequencies(content: bytes, name: str) -> Read[Frequency]:
    """The frequencies in a CSV file called `name`.

    Raises:
        ValueError: it is no text, has other columns, or no row that can be used.
    """
    found = _read(content, name, _frequency, ("frequency_cm1",), ("point", *ALONG, *OPTIONAL))
    if not found.rows:
        raise ValueError(f"{name} holds no value; {'; '.join(found.set_aside)}".rstrip("; "))
    return found


def read_density(content: bytes, name: str) -> Read[tuple[float, float]]:
    """Pairs of frequency (cm^-1) and density, ascending, of a CSV file called `name`.

    Raises:
        ValueError: it is no text, has other columns, or fewer than two rows that can be used.
    """
    found = _read(content, name, _pair, ("frequency_cm1", "dos"), ())
    if len(found.rows) < 2:
        raise ValueError(f"{name} holds fewer than two values; {'; '.join(found.set_aside)}".rstrip("; "))
    return Read(tuple(sorted(found.rows)), found.set_aside)


def _read(
    content: bytes, name: str, parse: Callable[[int, Row], T], needed: tuple[str, ...], more: tuple[str, ...]
) -> Read[T]:
    lines = list(_lines(content, name))
    if not lines:
        raise ValueError(
            f"{name} is empty; its first line should name the columns {', '.join((*needed, *more))}"
        )
    head = [cell.strip() for cell in lines[0][1]]
    _check_head(head, name, needed, more)
    rows, set_aside = [], []
    for number, cells in lines[1:]:
        try:
            if len(cells) > len(head):
                raise ValueError(f"{len(cells)} values, and the first line names {len(head)} columns")
            rows.append(parse(number, dict(zip(head, map(str.strip, cells), strict=False))))
        except ValueError as error:
            set_aside.append(f"{name}, line {number}: {error}")
    return Read(tuple(rows), tuple(set_aside))


def _lines(content: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Cells with the number of their line."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not UTF-8 text (byte {error.start})") from None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip(" ,\t") and not line.lstrip().startswith("#"):
            yield number, next(csv.reader([line]))


def _check_head(head: list[str], name: str, needed: tuple[str, ...], more: tuple[str, ...]) -> None:
    known = (*needed, *more)
    for column in head:
        if column not in known:
            close = get_close_matches(column.lower(), known, n=1)
            advice = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            raise ValueError(f"{name} has a column {column!r}; {advice}")
    missing = [column for column in needed if column not in head]
    if more and "point" not in head and not set(ALONG) <= set(head):
        missing.append(f"point (or {', '.join(ALONG)})")
    if missing:
        raise ValueError(f"{name} has no column {', '.join(missing)}")


def _frequency(line: int, row: Row) -> Frequency:
    value, error = _number(row, "frequency_cm1"), row.get("error_cm1", "")
    more = {"branch": row.get("branch", ""), "error_cm1": _positive(row, "error_cm1") if error else None}
    place = [row.get(column, "") for column in ALONG]
    if row.get("point"):
        if any(place):
            raise ValueError(f"both a point, {row['point']!r}, and a place between two; leave one empty")
        return Frequency(line, value, point=_label(row["point"]), **more)  # type: ignore[arg-type]  # as named
    if not all(place):
        raise ValueError("neither a point nor from, to and fraction")
    fraction = _number(row, "fraction")
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction should be from 0 to 1, got {row['fraction']!r}")
    ends = _label(place[0]), _label(place[1])
    return Frequency(line, value, along=ends, fraction=fraction, **more)  # type: ignore[arg-type]  # as named


def _pair(line: int, row: Row) -> tuple[float, float]:  # noqa: ARG001  # as all that parse a row
    return _number(row, "frequency_cm1"), _positive(row, "dos")


def _label(text: str) -> str:
    return GAMMAS.get(text.lower(), text)


def _number(row: Row, column: str) -> float:
    text = row.get(column, "")
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{column} should be a number, got {text!r}")
    return value


def _positive(row: Row, column: str) -> float:
    value = _number(row, column)
    if value < 0:
        raise ValueError(f"{column} should not be negative, got {row[column]!r}")
    return value
