"""Which rows of a table are asked for: of a system, a named point, a model, a seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from campaign.results.columns import Table
from campaign.results.errors import UnknownResult, UnknownTable
from campaign.spec.errors import nearest

if TYPE_CHECKING:
    from pandas import DataFrame

    from campaign.results.outcomes import Outcomes

GAMMA = "Γ"
_NAMES_OF_GAMMA = {"g", "gamma", "γ"}  # keyboards have no Γ


@dataclass(frozen=True)
class Selection:
    """The values of columns; None: any."""

    system: str | None = None
    point: str | None = None
    model: str | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.point is not None and self.point.lower() in _NAMES_OF_GAMMA:
            object.__setattr__(self, "point", GAMMA)

    @property
    def asked(self) -> Mapping[str, str | int]:
        """Those that are named."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def check(self, table: Table, tables: Iterable[Table]) -> None:
        """Raises UnknownTable: the table lacks a column; the message names tables that have it."""
        own = {column.name for column in table.columns}
        for name in self.asked:
            if name not in own:
                others = [one.name for one in tables if name in {column.name for column in one.columns}]
                raise UnknownTable(f"the table {table.name} has no column {name}; these have one: {', '.join(others)}")

    def of(self, frame: DataFrame, campaigns: Iterable[Outcomes]) -> DataFrame:
        """The rows of a whole frame that match.

        Raises:
            UnknownResult: no campaign asks for such a thing; the message names the nearest.
        """
        for name, value in self.asked.items():
            matching = frame[name] == value
            if not matching.any():
                self._refuse_unknown(name, value, frame, campaigns)
            frame = frame[matching.fillna(False).astype(bool)]
        return frame.reset_index(drop=True)

    @staticmethod
    def _refuse_unknown(name: str, value: str | int, frame: DataFrame, campaigns: Iterable[Outcomes]) -> None:
        known = {str(one) for one in frame[name].dropna()}
        campaigns = list(campaigns)
        if name == "point":
            known |= {GAMMA} if frame.empty else set()
            unknown = not frame.empty
        else:
            known |= {str(getattr(work, name)) for one in campaigns for work in one.layout.work.values() if getattr(work, name) is not None}
            known |= {gap.model for one in campaigns for gap in one.layout.gaps} if name == "model" else set()
            known |= {system for one in campaigns for system in one.spec.systems} if name == "system" else set()
            unknown = str(value) not in known
        if unknown:
            names = ", ".join(one.name for one in campaigns)
            raise UnknownResult(f"{names}: no {name} {value}; {nearest(str(value), sorted(known))}")
