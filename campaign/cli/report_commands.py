"""The command that draws what came of a campaign: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command()(report)


def report(
    campaign: Annotated[str | None, typer.Argument(metavar="CAMPAIGN", help="The name of a submitted campaign.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="DIR",
            help="Where to write (default: CAMPAIGN-report; with --all, campaigns-report); it is made if need be.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="One table of all campaigns, a row for each system.")] = False,
) -> None:
    """Write figures, their numbers, and two HTML pages that open offline: one to print, one in a single file to mail.

    Example: latticefarm report diamond-paper --output diamond-report
    """
    from campaign.cli.connect import open_farm
    from campaign.cli.errors import UsageError
    from campaign.cli.printing import show
    from campaign.report.write import write_report
    from campaign.results import open_campaign

    if every == (campaign is not None):
        raise UsageError("name a campaign, or give --all: latticefarm report CAMPAIGN")
    if campaign is None:
        _overview(output or Path("campaigns-report"))
        return
    opened = open_campaign(open_farm(), campaign)
    written = write_report(opened, output or Path(f"{campaign}-report"))
    show(f"{len(written.figures)} figures (PNG, PDF, JSON) and the page {written.index}")
    show(f"in one file, with plots that zoom: {written.interactive} ({written.interactive.stat().st_size / 1e6:.1f} MB)")


def _overview(directory: Path) -> None:
    from campaign.cli.connect import open_farm
    from campaign.cli.printing import show
    from campaign.report.overview.page import write_overview

    path, systems = write_overview(open_farm(), directory)
    show(f"{systems} system{'' if systems == 1 else 's'} of all campaigns: {path}")
