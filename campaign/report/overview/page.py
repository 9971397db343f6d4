"""The page of all campaigns of a database: one row a system, in one file."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from campaign.report.harvest import Harvest
from campaign.report.overview.rows import SystemRow, system_rows
from campaign.report.overview.table import overview_table
from campaign.report.page import template
from campaign.report.page_table import rows_of
from campaign.results.opening import campaign_names, open_campaign
from launchers.farm import Farm

OVERVIEW = "overview.html"


def write_overview(farm: Farm, directory: Path) -> tuple[Path, int]:
    """Write `overview.html` into `directory`, which is made if need be; the path, and how many systems are in it.

    Campaigns that cannot be read (those of another version of the code) are named on the page, with the reason.
    """
    rows: list[SystemRow] = []
    unread: list[str] = []
    for name in campaign_names(farm):
        try:
            rows.extend(system_rows(Harvest(open_campaign(farm, name))))
        except ValueError as error:  # pydantic's
            unread.append(f"{name} cannot be read: {' '.join(str(error).split())[:200]}")
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / OVERVIEW
    path.write_text("".join(_page(rows, unread)), encoding="utf-8")
    return path, len(rows)


def _page(rows: list[SystemRow], unread: list[str]) -> Iterator[str]:
    from markupsafe import Markup

    report = files("campaign.report")
    css, more, script = (
        Markup((report / name).read_text("utf-8")) for name in ("page.css", "screen/screen.css", "screen/tables.js")
    )
    yield template("overview.html").render(
        css=css + more, script=script, table=overview_table(rows), campaigns=len({row.campaign for row in rows}), unread=unread, rows_of=rows_of
    )
