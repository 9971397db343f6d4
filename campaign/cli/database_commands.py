"""Commands on the database and the machine: db start, stop, status, env; doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from campaign.cli.options import JsonOption

db = typer.Typer(no_args_is_help=True, help="The database of this machine (production: your own MongoDB, by URI).")


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.add_typer(db, name="db")
    app.command()(doctor)


@db.command()
def start() -> None:
    """Start the database of this machine, or find the one that runs.

    Example: latticefarm db start
    """
    from campaign.cli.printing import hint, show
    from launchers.database import ladder

    found = ladder.start()
    show(f"{found.kind} database: {found.redacted()}")
    hint("latticefarm submit SPEC")


@db.command()
def stop() -> None:
    """Stop the database of this machine; its data stay.

    Example: latticefarm db stop
    """
    from campaign.cli.printing import show
    from launchers.database import ladder

    show("stopped" if ladder.stop() else "no database of this machine was running")


@db.command()
def status(json: JsonOption = False) -> None:
    """Say which database is used, and whether it answers.

    Example: latticefarm db status
    """
    from campaign.cli.printing import facts, show
    from launchers.database import ladder

    found = ladder.status()
    if json:
        facts(found)
    else:
        show(*(f"{name}: {value}" for name, value in found.items()))


@db.command()
def env(
    directory: Annotated[Path, typer.Argument(help="Where to write the files.")] = Path("fireworks"),
) -> None:
    """Write the files with which lpad, rlaunch and qlaunch of FireWorks work on this database.

    Example: latticefarm db env fireworks
    """
    from campaign.cli.connect import database
    from campaign.cli.printing import hint, show

    variables = database().write_environment(directory)
    show(f"wrote the files of lpad, rlaunch, qlaunch and jobflow in {directory}: they are private, keep them so")
    hint(f"export {' '.join(f'{name}={path}' for name, path in variables.items())}; lpad get_wflows")


def doctor(json: JsonOption = False) -> None:
    """Look at packages, database, scheduler and GPUs: found, usable, or what to do.

    Example: latticefarm doctor
    """
    from campaign.cli.examination import examine
    from campaign.cli.printing import facts, show

    found = examine()
    if json:
        facts([one.__dict__ for one in found])
    else:
        marks = {True: "[green]ok[/]", False: "[red]no[/]", None: "[yellow]--[/]"}
        show(*(f"{marks[one.usable]}  {one.what}: {one.found}{f'; {one.todo}' if one.todo else ''}" for one in found))
    if any(one.usable is False for one in found):
        raise typer.Exit(1)
