"""The command that asks a scheduler for allocations: launch."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campaign.cli.options import JsonOption

if TYPE_CHECKING:
    from launchers.farm import Farm
    from launchers.machines.launch import Order, Outcome
    from launchers.machines.site import Site

WATCH_S = 30.0


def register(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command()(launch)


def launch(
    site: Annotated[str | None, typer.Argument(metavar="[SITE]", help="One of the file of sites; may be left out where there is one alone.")] = None,
    classes: Annotated[list[str] | None, typer.Option("--class", metavar="CLASS", help="Only allocations of this class.")] = None,
    campaign: Annotated[str | None, typer.Option("--campaign", help="Only for the work of this campaign.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the scripts, and what would be submitted.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and pass again until nothing is ready and no allocation lives.")] = False,
    sites: Annotated[Path | None, typer.Option("--sites", metavar="FILE", help="The file of sites (default: sites.yaml in LATTICEFARM_HOME).")] = None,
    init: Annotated[bool, typer.Option("--init", help="Write a file of sites to edit.")] = False,
    local: Annotated[bool, typer.Option("--local", help="The nodes are this machine: they reach its database.")] = False,
    json: JsonOption = False,
) -> None:
    """Ask the scheduler for as many allocations as the ready work needs: one pass, as for cron.

    Example: latticefarm launch --class gpu --dry-run
    """
    from campaign.cli.connect import open_farm
    from campaign.cli.printing import facts, hint, show
    from campaign.cli.sites import sites_path

    if init:
        show(f"wrote {_write_example(sites_path(sites))}: edit it")
        hint("latticefarm doctor")
        return
    order = _order(site, sites, tuple(classes or ()), local)
    farm = open_farm()
    if dry_run:
        _show_scripts(farm, _of_campaigns(farm, order, campaign))
        return
    said: list[str] = []
    while True:
        outcomes, lines = _pass(farm, _of_campaigns(farm, order, campaign), watch)
        if json:
            facts([_facts(one) for one in outcomes or ()])
        elif lines != said:
            show(*lines)
        said = lines
        if not watch or (outcomes is not None and not any(one.ready or one.live or one.submitted for one in outcomes)):
            break
        time.sleep(WATCH_S)
    if any(one.failed for one in outcomes or ()):
        raise typer.Exit(2)
    if not json:
        hint("latticefarm status")


def _pass(farm: Farm, order: Order, patient: bool) -> tuple[list[Outcome] | None, list[str]]:
    """What one pass did, and how to say it; None where another is at work, or, to the patient, nobody answers."""
    from launchers.machines.answers import Unanswered
    from launchers.machines.capacities import known, unfit
    from launchers.machines.launch import BUSY
    from launchers.machines.launch import launch as once

    try:
        outcomes = once(farm, order)
    except Unanswered as error:
        if not patient:
            raise
        return None, [f"{order.name}: {error}"]
    if outcomes is None:
        return None, [f"{order.name}: {BUSY}"]
    return outcomes, [*(one.text() for one in outcomes), *unfit(farm, known(farm))]


def _order(name: str | None, path: Path | None, classes: tuple[str, ...], local: bool) -> Order:
    """What a pass is told, without the campaigns.

    Raises:
        UsageError: no such site or class, no scheduler here, or a database that its nodes do not reach.
    """
    from campaign.cli.connect import database
    from campaign.cli.errors import UsageError
    from campaign.cli.sites import chosen, read_sites, sites_path
    from campaign.spec.errors import nearest
    from launchers.database.ladder import home
    from launchers.machines.launch import Order
    from launchers.machines.reach import Reach, is_on_this_host, of_this_host

    name, site = chosen(read_sites(sites_path(path)), name)
    for one in classes:
        if one not in site.classes:
            raise UsageError(f"{name} has no class {one!r}; {nearest(one, site.classes)}")
    _refuse_without_scheduler(site)
    found = database()
    if (what := of_this_host(found)) and not local and not is_on_this_host(site.scheduler):
        raise UsageError(
            f"{what} is out of reach for the nodes of {name}: set up a MongoDB that all machines reach"
            " (docs/how-to/own-mongodb.md), or say --local if the nodes are this machine"
        )
    reach = Reach.of(found)
    return Order(name, site, (program(),), home(), reach.variables, reach.uri, classes)


def program() -> str:
    """The `latticefarm` of the Python that runs, which need not be on the PATH of a node.

    Raises:
        UsageError: there is none beside it.
    """
    from campaign.cli.errors import UsageError

    found = Path(sys.executable).absolute().with_name("latticefarm")
    if not found.is_file():
        raise UsageError(f"no {found}: install latticefarm into the environment of this Python")
    return str(found)


def _refuse_without_scheduler(site: Site) -> None:
    from campaign.cli.errors import UsageError
    from launchers.machines.scheduler import SCHEDULERS
    from launchers.machines.submission import is_there

    if not is_there(site):
        raise UsageError(
            f"no {SCHEDULERS[site.scheduler].submit} on the PATH: run this on a login node of the site, or load its scheduler's module"
        )


def _of_campaigns(farm: Farm, order: Order, campaign: str | None) -> Order:
    """With what campaigns may spend."""
    from dataclasses import replace

    from campaign.cli.status_view import names
    from campaign.records.campaigns import budgets

    if campaign is not None:
        names(farm, campaign)  # or it is said which there are
    return replace(order, campaign=campaign, limits=budgets(farm))


def _show_scripts(farm: Farm, order: Order) -> None:
    from launchers.machines.launch import count

    for outcome in count(farm, order):
        typer.echo(f"# {outcome.text()}")
        typer.echo(f"# {order.site.classes[outcome.kind].core_hours:.4g} core hours each at most; its name is new each time")
        typer.echo(order.script(outcome.kind, "lf-000000000000"))


def _write_example(path: Path) -> Path:
    from campaign.cli.errors import UsageError
    from launchers.machines import site

    if path.exists():
        raise UsageError(f"{path} is there already: edit it")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((Path(site.__file__).parent / "sites.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def _facts(one: Outcome) -> dict[str, Any]:
    return {**vars(one), "live": dict(one.live)}
