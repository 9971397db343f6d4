"""Tables and lists of the page: text in cells, the seed spread in one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from campaign.results.campaign import Campaign
from campaign.results.render import records
from campaign.results.tables import find_table

Row = dict[str, Any]
MISSING = "·"
AT_MOST = 40


@dataclass(frozen=True)
class PageTable:
    """Rows of cells under a head; `lost` numbers the rows of what has not learned, `numbers` the columns of numbers.

    `heading` stands above it; `empty` is said where there are no rows; with a `fold`, its name, it is closed at first.
    """

    name: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lost: frozenset[int] = frozenset()
    numbers: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()
    heading: str = ""
    empty: str = ""
    fold: str = ""


@dataclass(frozen=True)
class PageList:
    """Lines under a heading; `empty` is said where there are none."""

    heading: str
    lines: tuple[str, ...]
    empty: str


def result_table(campaign: Campaign, name: str) -> PageTable:
    """A table of results with the columns that a terminal shows, and its notes."""
    table, frame = find_table(name), campaign.table(name)
    rows = records(frame)
    cells = [tuple(_cell(row[column.name], column.digits) for column in table.shown) for row in rows]
    more = (
        (f"{len(cells) - AT_MOST} more: latticefarm results {campaign.name} {name}",)
        if len(cells) > AT_MOST
        else ()
    )
    return PageTable(
        name,
        table.about,
        tuple(" ".join((column.header or "").split()) for column in table.shown),
        tuple(cells[:AT_MOST]),
        lost=frozenset(number for number, row in enumerate(rows[:AT_MOST]) if row.get("learned") is False),
        numbers=frozenset(i for i, column in enumerate(table.shown) if column.kind in ("int", "float")),
        notes=(*(table.notes(frame) if table.notes and rows else ()), *more),
    )


def interval(values: Iterable[float | None], digits: int) -> str:
    """`1.2…1.5`; one number where they do not differ as shown, a dot where there is none."""
    known = [value for value in values if value is not None]
    if not known:
        return MISSING
    low, high = (f"{round(value, digits) + 0.0:.{digits}f}" for value in (min(known), max(known)))
    return low if low == high else f"{low}…{high}"


def grouped(rows: Iterable[Row], names: Sequence[str]) -> list[list[Row]]:
    key: Callable[[Row], tuple[Any, ...]] = lambda row: tuple(row[name] for name in names)  # noqa: E731  # typed
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return list(found.values())


def _cell(value: Any, digits: int) -> str:
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def rows_of(table: PageTable) -> Iterator[tuple[bool, tuple[tuple[str, bool], ...]]]:
    """Whether a row is of what has not learned, and its cells, each with whether it is a number."""
    for number, row in enumerate(table.rows):
        yield number in table.lost, tuple((cell, column in table.numbers) for column, cell in enumerate(row))
