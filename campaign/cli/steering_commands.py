"""Commands that steer a campaign, or the part of it that options name: retry, pause, resume, cancel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from campaign.cli.options import (
    LOCK_PATIENCE_S,
    CampaignArgument,
    ModelOption,
    SeedOption,
    StageOption,
    SystemOption,
)

if TYPE_CHECKING:
    from campaign.planning.plan import Plan
    from launchers.farm import Farm


@dataclass(frozen=True)
class Chosen:
    """The work of one campaign that a command is about: `selection` are the options that were given."""

    farm: Farm
    plan: Plan
    selection: dict[str, Any]
    keys: tuple[str, ...]

    @classmethod
    def open(cls, campaign: str, selection: dict[str, Any]) -> Chosen:
        """The work of `campaign` whose fields have the values of `selection`.

        Raises:
            UsageError: there is no such campaign, or it asks for no such work.
        """
        from campaign.cli.connect import open_farm
        from campaign.cli.errors import UsageError
        from campaign.cli.status_view import names, planned
        from campaign.spec.errors import nearest
        from campaign.steering.progress import matching

        farm = open_farm()
        plan = planned(farm, names(farm, campaign)[0])
        left = list(plan.work.values())
        for name, value in selection.items():
            known = dict.fromkeys(str(getattr(work, name)) for work in left)
            left = matching(left, **{name: value})
            if not left:
                raise UsageError(f"{campaign} asks for no work of {name} {value}; {nearest(str(value), known)}")
        return cls(farm, plan, selection, tuple(work.key for work in left))

    @property
    def alone(self) -> list[str]:
        """The chosen keys that no other campaign asks for."""
        from campaign.steering.leftovers import asked_elsewhere

        wanted = asked_elsewhere(self.farm, self.keys, self.plan.campaign)
        return [key for key in self.keys if key not in wanted]


def register(app: typer.Typer) -> None:
    """Add these commands to `app`: they take the same options."""
    for name, (act, done, text) in COMMANDS.items():
        app.command(name=name)(_command(act, done, text))


def _command(act: Callable[[Chosen], list[str]], done: str, text: str) -> Callable[..., None]:
    def command(
        campaign: CampaignArgument,
        system: SystemOption = None,
        stage: StageOption = None,
        model: ModelOption = None,
        seed: SeedOption = None,
    ) -> None:
        from campaign.cli.printing import hint, show
        from launchers.queue.locks import patient_locks
        from launchers.workers.rescue import Reaper

        options = {"system": system, "stage": stage, "model": model, "seed": seed}
        given = {name: value for name, value in options.items() if value is not None}
        chosen = Chosen.open(campaign, given)
        Reaper(chosen.farm, LOCK_PATIENCE_S).unlock(show)
        with patient_locks(LOCK_PATIENCE_S):
            keys = act(chosen)
        show(f"{campaign}: {len(keys)} jobs {done}")
        # what is back in the queue waits for workers, where none is at work
        hint("latticefarm work --until-empty" if keys and act in (_retry, _resume) else f"latticefarm status {campaign}")

    command.__doc__ = text
    return command


def _retry(chosen: Chosen) -> list[str]:
    from campaign.records.campaigns import resolved_spec
    from campaign.steering.submit import reconcile
    from launchers.queue.launchpad import withdraw

    # added anew: a limit that was raised since (cycles, time, memory) is in no key, and the old job knows the old one
    withdrawn = withdraw(chosen.farm, chosen.keys)
    reconcile(chosen.farm, resolved_spec(chosen.farm, chosen.plan.campaign))
    return withdrawn


def _pause(chosen: Chosen) -> list[str]:
    from campaign.records.campaigns import hold
    from launchers.queue.launchpad import pause

    hold(chosen.farm, chosen.plan.campaign, chosen.selection)
    return pause(chosen.farm, chosen.alone)


def _resume(chosen: Chosen) -> list[str]:
    from campaign.records.campaigns import release, resolved_spec
    from campaign.steering.submit import reconcile
    from launchers.queue.launchpad import resume

    release(chosen.farm, chosen.plan.campaign, chosen.selection)
    return [*resume(chosen.farm, chosen.keys), *reconcile(chosen.farm, resolved_spec(chosen.farm, chosen.plan.campaign)).added]


def _cancel(chosen: Chosen) -> list[str]:
    from campaign.records.campaigns import hold
    from launchers.queue.launchpad import cancel

    # or the next advance would queue it again
    hold(chosen.farm, chosen.plan.campaign, chosen.selection)
    return cancel(chosen.farm, chosen.alone)


COMMANDS: dict[str, tuple[Callable[[Chosen], list[str]], str, str]] = {
    "retry": (
        _retry,
        "back in the queue",
        """Put failed work back into the queue.

        Example: latticefarm retry diamond-paper --stage train
        """,
    ),
    "pause": (
        _pause,
        "paused",
        """Hold back queued work that no other campaign wants; what runs goes on.

        Example: latticefarm pause diamond-paper --model dft_e
        """,
    ),
    "resume": (
        _resume,
        "going on",
        """Let go on what was paused or cancelled.

        Example: latticefarm resume diamond-paper
        """,
    ),
    "cancel": (
        _cancel,
        "cancelled",
        """Take queued work that no other campaign wants out of the queue; records and what runs stay.

        Example: latticefarm cancel diamond-paper --system diamond
        """,
    ),
}
