"""Reports that lie in the folder of the server: shown as what was written for a browser alone, and can do nothing here.

The page of figures may run no script at all. The interactive page runs its own, in a sandbox: to the browser it is of no
site, so that it sees neither cookies nor pages of this one, and may ask nobody for anything.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flask import Response, abort, current_app, send_file

from campaign.report.page import FOLDER
from campaign.report.write import INDEX, INTERACTIVE
from launchers.web.headers import own_policy

REPORTS = "REPORTS_FOLDER"  # of the settings of the app: the folder in which reports are looked for
SHOWN, SAVED = (".png", ".json"), (".pdf",)  # of figures; what a browser shows by a program of its own is saved

_CLOSED = {"default-src": "'none'", "style-src": "'unsafe-inline'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'"}
POLICIES: Mapping[str, Mapping[str, str]] = {
    # allow-same-origin: its pictures come from here, with the cookie; without allow-scripts nothing can make use of it
    INDEX: {**_CLOSED, "img-src": "'self' data:", "sandbox": "allow-same-origin allow-downloads"},
    INTERACTIVE: {**_CLOSED, "script-src": "'unsafe-inline'", "img-src": "data: blob:", "sandbox": "allow-scripts allow-downloads"},
}


@dataclass(frozen=True)
class ReportFolder:
    """Where the report of a campaign is looked for; `written` is None where there is none."""

    name: str
    directory: Path

    @classmethod
    def of(cls, campaign: str) -> ReportFolder:
        """That of a campaign that is known: its name is no path."""
        return cls(campaign, Path(current_app.config.get(REPORTS, ".")).absolute() / f"{campaign}-report")

    @property
    def written(self) -> datetime | None:
        try:
            return datetime.fromtimestamp((self.directory / INDEX).stat().st_mtime, UTC)
        except OSError:
            return None

    @property
    def has_interactive(self) -> bool:
        return self._file(INTERACTIVE) is not None

    @property
    def figures(self) -> dict[str, list[str]]:
        """The files of each figure, by its name."""
        found: dict[str, list[str]] = {}
        if (self.directory / FOLDER).is_dir():
            for one in sorted((self.directory / FOLDER).iterdir()):
                if one.suffix in SHOWN + SAVED:
                    found.setdefault(one.stem, []).append(one.name)
        return found

    @property
    def command(self) -> str:
        """What writes it."""
        return f"latticefarm report {self.name} --output {shlex.quote(str(self.directory))}"

    def page(self, name: str) -> Response:
        """One of its two pages."""
        if name not in POLICIES or (path := self._file(name)) is None:
            abort(404, f"this report is not written: {self.command}")
        own_policy(POLICIES[name])
        return send_file(path, mimetype="text/html")

    def figure(self, name: str) -> Response:
        """A file of a figure."""
        path = self._file(FOLDER, name) if Path(name).suffix in SHOWN + SAVED else None
        if path is None:
            abort(404, f"this report has no file {name}")
        return send_file(path, as_attachment=path.suffix in SAVED)

    def _file(self, *parts: str) -> Path | None:
        """A file that lies in the folder, whatever links lie there."""
        try:
            path = self.directory.joinpath(*parts).resolve(strict=True)
        except (OSError, ValueError):
            return None
        inside = path.is_relative_to(self.directory.resolve())
        return path if inside and path.is_file() and "/" not in parts[-1] else None
