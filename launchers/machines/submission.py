"""A script on its way to the scheduler: written for its owner alone, submitted, its number read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from launchers.machines.answers import NoScheduler, Unanswered, ask
from launchers.machines.scheduler import SCHEDULERS
from launchers.machines.script import job_id, submit_command
from launchers.machines.site import Site


class Refused(Exception):
    """The scheduler took no job, in its own words."""


def write_script(folder: Path, text: str, uri: str | None) -> Path:
    """Write the script, and the file with the database's URI, into a folder that its owner alone may enter."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    if uri is not None:
        _write_private(folder / "mongo_uri", uri)
    path = folder / "script.sh"
    _write_private(path, text)
    return path


def remove_uri(folder: Path) -> None:
    """Of an allocation that has ended."""
    (folder / "mongo_uri").unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Of an allocation that never was."""
    shutil.rmtree(folder, ignore_errors=True)


def submit(site: Site, path: Path) -> str:
    """Submit a script; the number of its job.

    Raises:
        Refused: the scheduler did not take it.
        Unanswered: nobody knows whether it did: it will be found by its name.
    """
    scheduler = SCHEDULERS[site.scheduler]
    command, stdin = submit_command(site, path)
    try:
        answer = ask(command, stdin=stdin)
    except NoScheduler as error:
        raise Refused(str(error)) from None
    if answer.code != 0:
        raise Refused(f"{scheduler.submit}: {scheduler.refusal(answer)}")
    number = job_id(site, answer.out)
    if number is None:
        raise Unanswered(f"{scheduler.submit} said no job number ({answer.complaint}): the next `latticefarm launch` looks for the job by its name")
    return number


def is_there(site: Site) -> bool:
    """Whether the scheduler's program for submissions is on the PATH."""
    return shutil.which(SCHEDULERS[site.scheduler].submit) is not None


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
