"""The command that shows campaigns in the browser: web."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

PAGES = "campaign.web.pages:mount"


def register(app: typer.Typer) -> None:
    """Add this command to `app`."""
    app.command()(web)


def web(
    host: Annotated[str, typer.Option("--host", help="The address to listen at; another than this machine's own needs a password of yours.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="The port.")] = 5000,
    reports: Annotated[Path, typer.Option("--reports", metavar="DIR", help="Where reports are looked for, each in CAMPAIGN-report.")] = Path("."),
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A web server with TLS passes on to this one, and sets X-Forwarded-For, -Proto and -Prefix.")
    ] = False,
) -> None:
    """Show campaigns, their reports and FireWorks' queue in the browser, behind a password.

    Example: latticefarm web --port 5001
    """
    from campaign.cli.connect import open_farm
    from campaign.cli.errors import UsageError
    from campaign.cli.printing import show
    from campaign.web.reports import REPORTS
    from launchers.web.application import web_app
    from launchers.web.credentials import Credentials, CredentialsError
    from launchers.web.server import serve

    try:
        credentials = Credentials.of(os.environ.get("LATTICEFARM_WEB_USER"), os.environ.get("LATTICEFARM_WEB_PASSWORD"), host, behind_proxy=behind_proxy)
    except CredentialsError as error:
        raise UsageError(str(error)) from None
    if not reports.is_dir():
        raise UsageError(f"--reports {reports}: there is no such folder")
    app = web_app(open_farm(), credentials, (PAGES,), show, behind_proxy=behind_proxy)
    app.config[REPORTS] = reports.absolute()
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    address = f"at the address of the web server that passes on to {address}" if behind_proxy else address
    show(*_greeting(credentials.user, credentials.password if credentials.made else "", address))
    try:
        serve(app, host, port, behind_proxy=behind_proxy)
    except OSError as error:
        raise UsageError(f"cannot listen at {host}, port {port}: {error.strerror or error}; --port takes another") from None


def _greeting(user: str, made: str, address: str) -> list[str]:
    name = f"user {user}" if user else "any name, which notes of what you do will bear"
    lines = [f"{address}: {name}, and the password " + (f"{made}" if made else "of LATTICEFARM_WEB_PASSWORD")]
    if made:
        lines.append("this password was made now, for as long as this command runs; LATTICEFARM_WEB_PASSWORD sets one of your own")
    return [*lines, "Ctrl-C ends it"]
