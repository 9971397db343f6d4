"""Commands that show and write what came of a campaign: results, export."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from campaign.cli import archive_commands
from campaign.cli.options import CampaignArgument, JsonOption, ModelOption, SeedOption, SystemOption

TABLE_HELP = (
    "labels, set-aside, training, learning, forecast, phonons, points, agreement, frozen, reference, thermal, vibrations, time, failures or gaps."
)
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
    campaign: Annotated[
        str | None, typer.Argument(metavar="CAMPAIGN", help="The name of a submitted campaign; with --all none.", show_default=False)
    ] = None,
    table: Annotated[str | None, typer.Argument(metavar="TABLE", help=f"{TABLE_HELP} Without it, what each holds.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Of all campaigns of the database: latticefarm results --all TABLE.")] = False,
    system: SystemOption = None,
    point: Annotated[str | None, typer.Option("--point", help="Only this named point, as in X; Gamma is Γ.")] = None,
    model: ModelOption = None,
    seed: SeedOption = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: JsonOption = False,
) -> None:
    """Show a table of a campaign, or of all; --csv and --json have every column.

    Example: latticefarm results diamond-paper phonons --point Gamma
    """
    from campaign.cli.connect import open_farm
    from campaign.cli.errors import UsageError
    from campaign.cli.tables_view import Asked, list_tables, show_all, show_one

    if csv and json:
        raise UsageError("--csv and --json exclude each other; give one")
    if every and table is not None:
        raise UsageError(f"--all is of every campaign; leave out {campaign}, or --all")
    if not every and campaign is None:
        raise UsageError("name a campaign, or --all; latticefarm status lists them")
    name = campaign if every else table
    form = "csv" if csv else "json" if json else ""
    if name is None and form:
        raise UsageError(f"name a table: {TABLE_HELP}")
    where = {"system": system, "point": point, "model": model, "seed": seed}
    if name is None:
        list_tables(open_farm(), campaign)
    elif campaign is None or every:
        show_all(open_farm(), Asked(name, where, form))
    else:
        show_one(open_farm(), campaign, Asked(name, where, form))


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
