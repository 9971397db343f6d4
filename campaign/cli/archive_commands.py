"""A campaign as one file: `export CAMPAIGN archive`, and `import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from campaign.cli.options import JsonOption


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.command("import")(import_)


def write(campaign: str, path: Path | None, json: bool) -> None:
    """Write an archive of a campaign to `path`."""
    from campaign.archive.writing import write_archive
    from campaign.cli.connect import open_farm
    from campaign.cli.printing import facts, hint, show
    from campaign.results import open_campaign

    path = path or Path(f"{campaign}.crate.zip")
    path = path / f"{campaign}.crate.zip" if path.is_dir() else path
    written = write_archive(open_campaign(open_farm(), campaign), path, Path(f"{campaign}-report"))
    if json:
        facts({"file": str(path), "done": written.done, "asked": written.asked, "records": written.records, "bytes": written.size, "remarks": written.remarks})
        return
    show(f"{path}: {written.records} records, {written.done} of {written.asked} jobs done, {written.size / 1e6:.1f} MB")
    show(*(f"[yellow]{one}[/]" for one in written.remarks))
    hint(f"latticefarm import {path}, where another database is")


def import_(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="What `latticefarm export CAMPAIGN archive` wrote.")],
    json: JsonOption = False,
) -> None:
    """Put an archived campaign into the database, with all that is done of it; nothing is computed.

    Its models are run as code: import what people wrote whom you trust.

    Example: latticefarm import diamond-paper.crate.zip
    """
    from campaign.archive.importing import import_archive
    from campaign.archive.reading import opened
    from campaign.cli.connect import open_farm
    from campaign.cli.printing import facts, hint, show

    with opened(archive) as found:  # whole, or no database is even looked for
        done = import_archive(open_farm(start=True), found)
    if json:
        facts(done.__dict__)
        return
    there = done.records - done.added
    show(f"{done.campaign}: {done.added} records added{f', {there} were there' if there else ''}; {done.done} of {done.asked} jobs are done")
    hint(f"latticefarm status {done.campaign}" if done.done < done.asked else f"latticefarm results {done.campaign} training")
