"""What a table is: named columns of one type each, and the rows that a campaign gives it.

A column is declared once: its stable name (with its unit), its type, and how a terminal shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pandas import DataFrame

    from campaign.results.outcomes import Outcomes

Kind = Literal["text", "int", "float", "bool", "markup"]

# `Int64` has missing values; a plain integer column with one turns into floats
_DTYPES: dict[Kind, str] = {
    "text": "object",
    "int": "Int64",
    "float": "float64",
    "bool": "bool",
    "markup": "object",
}


@dataclass(frozen=True)
class Column:
    """One column. Without a `header` it is in frames, CSV and JSON only.

    On a terminal `digits` stand after the point, and text of a column with a `least` width may be wrapped.
    """

    name: str
    kind: Kind = "text"
    header: str | None = None
    digits: int = 2
    least: int = 0


@dataclass(frozen=True)
class Table:
    """A table of results: `rows` yields mappings of column names to values, absent ones are missing.

    `view` turns the frame into what a terminal shows under `view_columns`, where that is something else;
    `notes` are lines below it.
    """

    name: str
    about: str
    columns: tuple[Column, ...]
    rows: Callable[[Outcomes], Iterable[dict[str, Any]]]
    view: Callable[[DataFrame], DataFrame] | None = None
    view_columns: tuple[Column, ...] = ()
    notes: Callable[[DataFrame], list[str]] | None = None

    def frame(self, campaign: Outcomes) -> DataFrame:
        """The whole table. Missing text is None, a missing number NaN or NA; every column is always there."""
        return frame(self.columns, self.rows(campaign))

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns that a terminal shows."""
        return tuple(column for column in self.view_columns or self.columns if column.header is not None)


def frame(columns: Iterable[Column], rows: Iterable[dict[str, Any]]) -> DataFrame:
    """A data frame with these columns and their types, whatever the rows lack.

    Raises:
        KeyError: a row has a value for which there is no column.
    """
    import pandas as pd

    kinds = {column.name: column.kind for column in columns}
    listed = list(rows)
    if unknown := {name for row in listed for name in row} - kinds.keys():
        raise KeyError(f"no column for {', '.join(sorted(unknown))}")
    return pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in listed], dtype=_DTYPES[kind])
            for name, kind in kinds.items()
        }
    )
