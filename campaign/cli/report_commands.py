"""The command that draws what came of a campaign: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from campaign.cli.options import CampaignArgument


def register(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command()(report)


def report(
    campaign: CampaignArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="DIR",
            help="Where to write (default: CAMPAIGN-report); it is made if need be.",
        ),
    ] = None,
) -> None:
    """Write figures, their numbers, and one HTML page that opens offline.

    Example: latticefarm report diamond-paper --output diamond-report
    """
    from campaign.cli.connect import open_farm
    from campaign.cli.printing import show
    from campaign.report.write import write_report
    from campaign.results import open_campaign

    opened = open_campaign(open_farm(), campaign)
    written = write_report(opened, output or Path(f"{campaign}-report"))
    show(f"{len(written.figures)} figures (PNG, PDF, JSON) and the page {written.index}")
