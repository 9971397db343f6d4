"""Tables of results as the command shows them: of one campaign, or of all."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from pandas import DataFrame

    from campaign.results import Campaign
    from campaign.results.columns import Table
    from launchers.farm import Farm


@dataclass(frozen=True)
class Asked:
    """A table, which of its rows, and in which form: `csv`, `json`, or for a terminal."""

    name: str
    where: Mapping[str, Any]
    form: str = ""

    @property
    def options(self) -> str:
        """Of the command, as a shell takes them."""
        named = {name: value for name, value in self.where.items() if value is not None}
        return "".join(f" --{name} {shlex.quote(str(value))}" for name, value in named.items())


def show_one(farm: Farm, campaign: str, asked: Asked) -> None:
    """Print the table of a campaign."""
    from campaign.results import open_campaign
    from campaign.results.tables import find_table
    from campaign.results.tables.absence import why_empty

    table, opened = find_table(asked.name), open_campaign(farm, campaign)
    frame = opened.table(asked.name, **asked.where)
    why = "no such rows" if frame.empty and asked.options else why_empty(asked.name, opened) if frame.empty else ""
    _print(campaign, table, frame, why, asked)
    _warn(opened)


def show_all(farm: Farm, asked: Asked) -> None:
    """Print the table of all campaigns of the database."""
    from campaign.results import open_campaigns
    from campaign.results.many import across
    from campaign.results.tables import find_table

    table, opened = across(find_table(asked.name)), open_campaigns(farm)
    frame = opened.table(asked.name, **asked.where)
    _print("--all", table, frame, "no such rows" if asked.options else "nothing yet, of no campaign", asked)
    for one in opened:
        _warn(one, f"{one.name}: ")


def list_tables(farm: Farm, campaign: str | None) -> None:
    """What each table holds; Raises UnknownCampaign."""
    from campaign.cli.printing import hint, show
    from campaign.results import TABLES, open_campaign

    name = "--all" if campaign is None else open_campaign(farm, campaign).name
    width = max(map(len, TABLES))
    show(*(f"{name:{width}}  {table.about}" for name, table in TABLES.items()))
    hint(f"latticefarm results {name} training")


def _print(of: str, table: Table, frame: DataFrame, why_empty: str, asked: Asked) -> None:
    from campaign.cli.printing import facts, hint, show
    from campaign.results.render import csv_text, for_terminal, records

    if asked.form == "csv":
        typer.echo(csv_text(frame), nl=False)
    elif asked.form == "json":
        facts(records(frame))
    else:
        show(*for_terminal(table, frame, why_empty))
        status = "latticefarm status" if of == "--all" else f"latticefarm status {of}"
        hint(status if frame.empty else f"latticefarm results {of} {table.name}{asked.options} --csv")


def _warn(campaign: Campaign, of: str = "") -> None:
    """On standard error: it goes with every table, and into none."""
    for faulty in campaign.layout.faulty:
        typer.secho(f"{of}faulty: {faulty.text()}", fg="red", err=True)
    for by_path in campaign.layout.by_path:
        typer.secho(f"{of}by {by_path.called_by} alone: {by_path.text()}", fg="yellow", err=True)
