"""Commands that show and write what came of a campaign: results, export."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campaign.cli import archive_commands
from campaign.cli.options import CampaignArgument, JsonOption, ModelOption, SeedOption, SystemOption

if TYPE_CHECKING:
    from pandas import DataFrame

    from campaign.results.columns import Table

TABLE_HELP = "labels, set-aside, training, learning, phonons, points, agreement, frozen, vibrations, failures or gaps."
SizeOption = Annotated[str | None, typer.Option("--size", help="Only this training-set size, as in full.")]


class Exported(StrEnum):
    """What can be written to files."""

    MODELS = "models"
    PHONONS = "phonons"
    LABELS = "labels"
    ARCHIVE = "archive"


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.command()(results)
    app.command()(export)


def results(
    campaign: CampaignArgument,
    table: Annotated[str | None, typer.Argument(metavar="TABLE", help=f"{TABLE_HELP} Without it, what each holds.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: JsonOption = False,
) -> None:
    """Show a table of a campaign; --csv and --json have every column.

    Example: latticefarm results diamond-paper phonons
    """
    from campaign.cli.connect import open_farm
    from campaign.cli.errors import UsageError
    from campaign.results import open_campaign
    from campaign.results.tables import find_table
    from campaign.results.tables.absence import why_empty

    if csv and json:
        raise UsageError("--csv and --json exclude each other; give one")
    if table is None and (csv or json):
        raise UsageError(f"name a table: {TABLE_HELP}")
    if table is None:
        _list_tables(open_campaign(open_farm(), campaign).name)
        return
    found, opened = find_table(table), open_campaign(open_farm(), campaign)
    frame = found.frame(opened)
    why = why_empty(table, opened) if frame.empty else ""
    _print(campaign, found, frame, why, "csv" if csv else "json" if json else "")
    # on standard error: it goes with every table, and into none
    for one in opened.plan.faulty:
        typer.secho(f"faulty: {one.text()}", fg="red", err=True)
    for by_path in opened.plan.by_path:
        typer.secho(f"by path alone: {by_path.text()}", fg="yellow", err=True)


def _list_tables(campaign: str) -> None:
    from campaign.cli.printing import hint, show
    from campaign.results.tables import TABLES

    width = max(map(len, TABLES))
    show(*(f"{name:{width}}  {table.about}" for name, table in TABLES.items()))
    hint(f"latticefarm results {campaign} training")


def _print(campaign: str, table: Table, frame: DataFrame, why_empty: str, form: str) -> None:
    from campaign.cli.printing import facts, hint, show
    from campaign.results.render import csv_text, for_terminal, records

    if form == "csv":
        typer.echo(csv_text(frame), nl=False)
    elif form == "json":
        facts(records(frame))
    else:
        show(*for_terminal(table, frame, why_empty))
        hint(
            f"latticefarm status {campaign}"
            if frame.empty
            else f"latticefarm results {campaign} {table.name} --csv"
        )


def _sum_lines(directory: Path, written: list[dict[str, Any]]) -> Iterator[str]:
    """How files add up, and the Python files in which that is written."""
    from rich.markup import escape

    sums = {(title, *files) for one in written for title, files in one.get("sums", {}).items()}
    for title, *files in sorted(sums):
        yield f"{title} is {' + '.join(files)}"
    if snippets := sorted({name for one in written for name in one.get("snippets", ())}):
        yield escape(f"as ASE calculators, each to be run or imported: {', '.join(str(directory / name) for name in snippets)}")


def export(
    campaign: CampaignArgument,
    what: Annotated[
        Exported,
        typer.Argument(metavar="WHAT", help="models (.model files, .npz of force constants), phonons (phonopy YAML), labels (extended XYZ), or archive (the whole campaign, one file)."),
    ],
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Where to write (default: CAMPAIGN-WHAT; of an archive, a file, CAMPAIGN.crate.zip)."),
    ] = None,
    system: SystemOption = None,
    model: ModelOption = None,
    seed: SeedOption = None,
    size: SizeOption = None,
    plain: Annotated[bool, typer.Option("--plain", help="MACE models also as architecture (JSON) and weights (.npz): no pickle.")] = False,
    json: JsonOption = False,
) -> None:
    """Write models, phonopy files or labels, and an index.json that says what each is and whether it has learned; or all of it.

    Example: latticefarm export diamond-paper models trained --model "delta_ccsd(t)" --size full
    """
    from rich.markup import escape

    from campaign.cli.connect import open_farm
    from campaign.cli.errors import UsageError
    from campaign.cli.printing import facts, show
    from campaign.results import UnknownResult, open_campaign
    from campaign.results.export import export_files
    from campaign.results.label_files import level_yaml

    asked = {"system": system, "model": model, "seed": seed, "size": size}
    if plain and what is not Exported.MODELS:
        raise UsageError("--plain is about models; remove it, or export models")
    if what is Exported.ARCHIVE:
        if whole := [name for name in asked if asked[name] is not None]:
            raise UsageError(f"an archive is of the whole campaign; remove --{whole[0]}")
        archive_commands.write(campaign, directory, json)
        return
    if what is Exported.LABELS and (no_use := [name for name in ("model", "seed", "size") if asked[name] is not None]):
        raise UsageError(f"labels have no {no_use[0]}; remove --{no_use[0]}")
    directory = directory or Path(f"{campaign}-{what.value}")
    opened = open_campaign(open_farm(), campaign)
    try:
        written = export_files(opened, what.value, directory, asked, plain=plain)
    except UnknownResult as error:
        raise UsageError(str(error)) from error
    if json:
        facts(written)
        return
    files = "1 file and its" if len(written) == 1 else f"{len(written)} files and their"
    show(f"{files} index.json written to {directory}")
    if what is Exported.LABELS:
        show("to read one back, as a level of a system:", *(f"  {escape(level_yaml(one, directory / one['file']))}" for one in written))
        return
    show(*_sum_lines(directory, written))
    lost = sum(not one["learned"] for one in written)
    if lost:
        show(f"[yellow]{lost} of them are of models that have not learned: see index.json[/]")
