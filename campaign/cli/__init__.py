"""`latticefarm`: the command line. Every command imports what it needs when it runs."""

from __future__ import annotations

import os
import sys

import typer

app = typer.Typer(
    name="latticefarm",
    help="Campaigns of machine-learned lattice dynamics, up to coupled-cluster accuracy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    if version:
        from campaign import __version__

        typer.echo(f"latticefarm {__version__}")
        raise typer.Exit
    context.obj = {"debug": debug}


def _register() -> None:
    from campaign.cli import (
        archive_commands,
        database_commands,
        launch_commands,
        queue_commands,
        report_commands,
        results_commands,
        spec_commands,
        steering_commands,
        web_commands,
    )

    parts = (spec_commands, queue_commands, launch_commands, steering_commands, results_commands, report_commands)
    for part in (*parts, archive_commands, web_commands, database_commands):
        part.register(app)


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit codes: 0 done, 1 work failed, 2 a usage or input error."""
    from typer import Abort
    from typer.exceptions import TyperException

    given = sys.argv[1:] if arguments is None else arguments
    os.environ.setdefault("TQDM_DISABLE", "1")  # FireWorks draws a bar for every submission
    debug = "--debug" in given
    given = [one for one in given if one != "--debug"]
    try:
        return app(given, standalone_mode=False, prog_name="latticefarm") or 0
    except Abort:
        return 130
    except TyperException as error:
        error.show()  # type: ignore[attr-defined]  # all that it raises have it
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if debug:
            import traceback

            traceback.print_exc()
        return _explain(error, debug, given)


def _explain(error: Exception, debug: bool, arguments: list[str]) -> int:
    from campaign.cli.errors import is_users, one_line

    typer.secho(f"error: {one_line(error)}", fg="red", err=True)
    if is_users(error, arguments):
        return 2
    if not debug:
        typer.echo("this is not an error of yours that we know of: --debug shows where it happened", err=True)
    return 1


def run_main() -> None:
    """The console script."""
    sys.exit(main())


_register()
