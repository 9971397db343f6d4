"""Commands that steer a campaign, or the part of it that options name: retry, pause, resume, cancel."""

from __future__ import annotations

from collections.abc import Callable

import typer

from campaign.cli.options import CampaignArgument, ModelOption, SeedOption, StageOption, SystemOption

COMMANDS = {
    "retry": """Put failed work back into the queue.

        Example: latticefarm retry diamond-paper --stage train
        """,
    "pause": """Hold back queued work that no other campaign wants; what runs goes on.

        Example: latticefarm pause diamond-paper --model dft_e
        """,
    "resume": """Let go on what was paused or cancelled.

        Example: latticefarm resume diamond-paper
        """,
    "cancel": """Take queued work that no other campaign wants out of the queue; records and what runs stay.

        Example: latticefarm cancel diamond-paper --system diamond
        """,
}


def register(app: typer.Typer) -> None:
    """Add these commands to `app`: they take the same options."""
    for name, text in COMMANDS.items():
        app.command(name=name)(_command(name, text))


def _command(act: str, text: str) -> Callable[..., None]:
    def command(
        campaign: CampaignArgument,
        system: SystemOption = None,
        stage: StageOption = None,
        model: ModelOption = None,
        seed: SeedOption = None,
    ) -> None:
        from campaign.cli.connect import open_farm
        from campaign.cli.errors import UsageError
        from campaign.cli.printing import hint, show
        from campaign.cli.status_view import names, planned
        from campaign.steering.steer import ACTS, Chosen, NoSuchWork, steer

        options = {"system": system, "stage": stage, "model": model, "seed": seed}
        farm = open_farm()
        plan = planned(farm, names(farm, campaign)[0])
        try:
            chosen = Chosen.of(farm, plan, {name: value for name, value in options.items() if value is not None})
        except NoSuchWork as error:
            raise UsageError(str(error)) from None
        keys = steer(chosen, act, _user(), show)
        show(f"{campaign}: {len(keys)} jobs {ACTS[act].done}")
        # what is back in the queue waits for workers, where none is at work
        hint("latticefarm work --until-empty" if keys and act in ("retry", "resume") else f"latticefarm status {campaign}")

    command.__doc__ = text
    return command


def _user() -> str:
    """Who types this, for the notes of a campaign."""
    from getpass import getuser

    try:
        return getuser()
    except (OSError, KeyError):  # a number without a name, as in a container
        return "?"
