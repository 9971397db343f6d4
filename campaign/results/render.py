"""A table of results as text: for a terminal, as CSV, as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from campaign.results.columns import Column, Table
from campaign.results.tables.absence import NOT_YET

if TYPE_CHECKING:
    from pandas import DataFrame
    from rich.console import RenderableType
    from rich.table import Table as RichTable

NOT_LEARNED = "not learned"


def for_terminal(table: Table, frame: DataFrame, why_empty: str = NOT_YET) -> Iterator[RenderableType]:
    """The table and its notes, or a line that says that it is empty, and why."""
    from rich.markup import escape

    if frame.empty:
        yield f"{table.name}: {why_empty} ({table.about})"
        return
    yield rich_table(table, frame)
    for note in table.notes(frame) if table.notes else ():
        yield f"[dim]{escape(note)}[/]"


def rich_table(table: Table, frame: DataFrame) -> RichTable:
    """Numbers aligned, units in the headers; models that have not learned are dim and say so in their title."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable

    made = RichTable(
        title=table.about,
        title_justify="left",
        box=SIMPLE_HEAD,
        header_style="bold",
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in table.shown:
        made.add_column(
            column.header or "",
            justify="right" if column.kind in ("int", "float") else "left",
            vertical="top",
            overflow="fold",
            no_wrap=not column.least,
            min_width=column.least or None,
        )
    shown = frame if table.view is None else table.view(frame)
    for row in shown.to_dict("records"):
        cells = [cell(column, row) for column in table.shown]
        made.add_row(*cells, style="dim" if row.get("learned") is False else None)
    return made


def cell(column: Column, row: dict[str, Any]) -> str:
    """One value as a terminal shows it; what is missing is a dot."""
    value = row[column.name]
    if column.name == "title" and row.get("learned") is False:
        return f"{_escaped(value)}, {NOT_LEARNED}"
    if _missing(value):
        return "·"
    if column.kind == "float":
        return f"{value:z.{column.digits}f}"
    if column.kind == "bool":
        return "yes" if value else "NO"
    return str(value) if column.kind == "markup" else _escaped(value)


def csv_text(frame: DataFrame) -> str:
    """Comma-separated, a header line, every column; what is missing is empty."""
    return frame.to_csv(index=False)


def records(frame: DataFrame) -> list[dict[str, Any]]:
    """One mapping per row, plain JSON values, every column; what is missing is None."""
    return [
        {str(name): None if _missing(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _missing(value: Any) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value))


def _escaped(value: Any) -> str:
    from rich.markup import escape

    return escape(str(value))
