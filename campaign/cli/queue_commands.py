"""Commands on the queue: work, status, retry, pause, resume, cancel."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from campaign.cli.options import (
    CampaignArgument,
    JsonOption,
    ModelOption,
    SeedOption,
    SlotsOption,
    StageOption,
    SystemOption,
)

if TYPE_CHECKING:
    from campaign.plan import Plan
    from launchers.farm import Farm


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    for command in (work, status, retry, pause, resume, cancel):
        app.command()(command)


def work(
    slots: SlotsOption = None,
    category: Annotated[list[str] | None, typer.Option("--category", help="label, train or analyse (default: all).")] = None,
    until_empty: Annotated[bool, typer.Option("--until-empty", help="End when nothing is left to do.")] = False,
    deadline: Annotated[str | None, typer.Option("--deadline", metavar="TIME", help="Drain then: 90m, 3.5h, or a Unix time.")] = None,
) -> None:
    """Run warm workers on this machine, or inside an allocation.

    Example: latticefarm work --slots 4 --until-empty
    """
    from campaign.cli.connect import database
    from campaign.cli.printing import show
    from campaign.seal import ADVANCE
    from launchers.node import Node, NodeSettings, available_cores, run_root

    database()
    settings = NodeSettings(
        slots=slots or max(1, available_cores() // 2),
        run_root=run_root(),
        categories=tuple(category or ()),
        until_empty=until_empty,
        deadline=None if deadline is None else moment(deadline),
        then=ADVANCE,
    )
    node = Node(settings)
    show(f"{settings.slots} workers; Ctrl-C drains them; logs in {settings.run_root}")
    node.run()


def moment(text: str) -> float:
    """The Unix time that `90m`, `3.5h`, `600s` from now, or a Unix time, means.

    Raises:
        UsageError: it is none of them.
    """
    from campaign.cli.errors import UsageError

    units = {"s": 1, "m": 60, "h": 3600}
    try:
        if text[-1:] in units:
            return time.time() + float(text[:-1]) * units[text[-1]]
        return float(text)
    except ValueError:
        raise UsageError(f"--deadline {text}: write 90m, 3.5h, 600s, or a Unix time") from None


def status(
    campaign: Annotated[str | None, typer.Argument(metavar="[CAMPAIGN]", help="One campaign; without it, all.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every few seconds.")] = False,
    json: JsonOption = False,
) -> None:
    """Show how far campaigns have come, and what failed, with its reason.

    Example: latticefarm status diamond-paper --watch
    """
    from campaign.cli.connect import open_farm
    from campaign.cli.printing import facts, hint, show
    from campaign.cli.status_view import as_facts, names, render

    farm = open_farm()
    while True:
        chosen = names(farm, campaign)
        if json:
            facts({name: as_facts(farm, name) for name in chosen})
        elif not chosen:
            show("no campaign was submitted to this database yet")
            hint("latticefarm submit SPEC")
        else:
            show(*(part for name in chosen for part in render(farm, name)))
        if not watch:
            return
        time.sleep(5)


@dataclass(frozen=True)
class Chosen:
    """The work of one campaign that a command is about."""

    farm: Farm
    plan: Plan
    keys: tuple[str, ...]

    @classmethod
    def open(cls, campaign: str, **wanted: object) -> Chosen:
        """The work of `campaign` whose fields have the values `wanted` (None: any).

        Raises:
            UsageError: there is no such campaign, or it asks for no such work.
        """
        from campaign.cli.connect import open_farm
        from campaign.cli.errors import UsageError
        from campaign.cli.status_view import names, planned
        from campaign.progress import matching
        from campaign.spec.errors import nearest

        farm = open_farm()
        plan = planned(farm, names(farm, campaign)[0])
        left = list(plan.work.values())
        for name, value in wanted.items():
            known = dict.fromkeys(str(getattr(work, name)) for work in left)
            left = matching(left, **{name: value})
            if not left and value is not None:
                raise UsageError(f"{campaign} asks for no work of {name} {value}; {nearest(str(value), known)}")
        return cls(farm, plan, tuple(work.key for work in left))


def retry(
    campaign: CampaignArgument,
    system: SystemOption = None,
    stage: StageOption = None,
    model: ModelOption = None,
    seed: SeedOption = None,
) -> None:
    """Put failed work back into the queue.

    Example: latticefarm retry diamond-paper --stage train
    """
    from launchers.launchpad import rerun

    chosen = Chosen.open(campaign, system=system, stage=stage, model=model, seed=seed)
    _say("back in the queue", rerun(chosen.farm, chosen.keys), campaign)


def pause(
    campaign: CampaignArgument,
    system: SystemOption = None,
    stage: StageOption = None,
    model: ModelOption = None,
    seed: SeedOption = None,
) -> None:
    """Hold back queued work that no other campaign wants; what runs goes on.

    Example: latticefarm pause diamond-paper --model dft_e
    """
    from launchers.launchpad import pause as hold

    chosen = Chosen.open(campaign, system=system, stage=stage, model=model, seed=seed)
    if (system, stage, model, seed) == (None,) * 4:
        chosen.farm.campaigns.update_one({"_id": campaign}, {"$set": {"paused": True}})
    _say("paused", hold(chosen.farm, _alone(chosen, campaign)), campaign)


def resume(
    campaign: CampaignArgument,
    system: SystemOption = None,
    stage: StageOption = None,
    model: ModelOption = None,
    seed: SeedOption = None,
) -> None:
    """Let paused work go on.

    Example: latticefarm resume diamond-paper
    """
    from campaign.submit import advance
    from launchers.launchpad import resume as let_go

    chosen = Chosen.open(campaign, system=system, stage=stage, model=model, seed=seed)
    if (system, stage, model, seed) == (None,) * 4:
        chosen.farm.campaigns.update_one({"_id": campaign}, {"$set": {"paused": False}})
        advance(chosen.farm)
    _say("going on", let_go(chosen.farm, chosen.keys), campaign)


def cancel(
    campaign: CampaignArgument,
    system: SystemOption = None,
    stage: StageOption = None,
    model: ModelOption = None,
    seed: SeedOption = None,
) -> None:
    """Take queued work that no other campaign wants out of the queue; records and what runs stay.

    Example: latticefarm cancel diamond-paper --system diamond
    """
    from launchers.launchpad import cancel as remove

    chosen = Chosen.open(campaign, system=system, stage=stage, model=model, seed=seed)
    # or the next advance would queue it again
    chosen.farm.campaigns.update_one({"_id": campaign}, {"$set": {"paused": True}})
    _say("cancelled", remove(chosen.farm, _alone(chosen, campaign)), campaign)


def _alone(chosen: Chosen, campaign: str) -> list[str]:
    """The chosen keys that no other campaign asks for."""
    from campaign.cli.status_view import names, planned

    others = [name for name in names(chosen.farm, None) if name != campaign]
    wanted = {key for name in others for key in planned(chosen.farm, name).work}
    return [key for key in chosen.keys if key not in wanted]


def _say(what: str, keys: Sequence[str], campaign: str) -> None:
    from campaign.cli.printing import hint, show

    show(f"{campaign}: {len(keys)} jobs {what}")
    hint(f"latticefarm status {campaign}")
