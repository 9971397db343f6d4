"""Many campaigns of a database at once: the same tables, with a column that says whose a row is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from campaign.results.campaign import Campaign
from campaign.results.columns import Column, Table, frame
from campaign.results.errors import UnknownCampaign
from campaign.results.selection import Selection
from campaign.results.tables import TABLES, find_table
from campaign.spec.errors import nearest
from launchers.farm import Farm

if TYPE_CHECKING:
    from pandas import DataFrame

CAMPAIGN = Column("campaign", header="campaign")


@dataclass(frozen=True)
class Campaigns:
    """Campaigns by name, to be read only. Each is opened when it is asked for."""

    farm: Farm
    names: tuple[str, ...]
    open: Callable[[Farm, str], Campaign]

    def __repr__(self) -> str:
        return f"<campaigns: {', '.join(self.names)}>"

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Campaign]:
        return (self[name] for name in self.names)

    def __getitem__(self, name: str) -> Campaign:
        """Raises UnknownCampaign: it is none of these."""
        if name not in self.names:
            raise UnknownCampaign(f"no campaign {name!r} among these; {nearest(name, self.names)}")
        return self.open(self.farm, name)

    def table(self, name: str, **where: Any) -> DataFrame:
        """The table `name` of all of them, one below the other, with the column `campaign`; `where` as of `Campaign.table`.

        Raises:
            UnknownTable: there is none of that name, or it has no such column; the message names others.
            UnknownResult: none of them has such a system, model, point or seed.
        """
        table, selection = find_table(name), Selection(**where)
        selection.check(table, TABLES.values())
        opened = list(self)
        rows = (row | {"campaign": one.name} for one in opened for row in table.rows(one.narrowed(selection)))
        return selection.of(frame((CAMPAIGN, *table.columns), rows), opened)


def across(table: Table) -> Table:
    """The table of many campaigns, for a terminal: each campaign is shown as it is by itself."""
    return replace(
        table,
        columns=(CAMPAIGN, *table.columns),
        view_columns=(CAMPAIGN, *(table.view_columns or table.columns)),
        view=None if table.view is None else lambda whole: _each(whole, table),
        notes=None if table.notes is None else lambda whole: _notes(whole, table),
    )


def _each(whole: DataFrame, table: Table) -> DataFrame:
    import pandas as pd

    assert table.view is not None
    parts = [table.view(rows).assign(campaign=name) for name, rows in whole.groupby("campaign", sort=False)]
    return pd.concat(parts, ignore_index=True)


def _notes(whole: DataFrame, table: Table) -> list[str]:
    """What is said of every campaign once, the rest with its name."""
    assert table.notes is not None
    said = {str(name): list(table.notes(rows)) for name, rows in whole.groupby("campaign", sort=False)}
    every = [note for notes in said.values() for note in notes]
    common = list(dict.fromkeys(note for note in every if len(said) > 1 and every.count(note) == len(said)))
    own = [f"{name}: {note}" for name, notes in said.items() for note in notes if note not in common]
    return common + own
