"""Which errors are the user's to mend, and how to say them in one line."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

# errors of a database that its user can mend: a disk, a password, a role
_MENDABLE = {13, 18, 8000, 14031}
# of the operating system: whatever it was about, or where it is about a path that the user named
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS}
_OF_A_NAMED_PATH = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EPERM, errno.ENOTEMPTY}


class UsageError(Exception):
    """The command was asked for something that cannot be: what, where, and what to do."""


def is_users(error: Exception, arguments: Sequence[str] = ()) -> bool:
    """Whether the message alone is what the user needs (exit code 2), or a traceback would help us.

    `arguments` are those of the command: a path that is missing is the user's to mend if they named it.
    """
    if _is_of_database(error):
        return _answer(error).get("code", getattr(error, "code", None)) in _MENDABLE or _is_away(error)
    if isinstance(error, OSError):
        return error.errno in _OF_THE_MACHINE or (error.errno in _OF_A_NAMED_PATH and _is_named(error, arguments))
    return any(isinstance(cause, kind) for kind in _users() for cause in _causes(error))


def one_line(error: Exception) -> str:
    """What went wrong, where it can be said on a line of its own (several problems: a line each)."""
    text = str(error).strip() or type(error).__name__
    if _is_of_database(error):
        if _is_away(error):
            return "the database does not answer any more: see `latticefarm db status`, and try again"
        return f"the database: {_answer(error).get('errmsg') or text.splitlines()[0][:300]}"
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return text


def _users() -> Iterator[type[Exception]]:
    """The errors whose messages are written for the user; the dear imports last."""
    yield UsageError
    from launchers.database.ladder import DatabaseError

    yield DatabaseError
    from launchers.farm import FileChanged

    yield FileChanged
    from launchers.machines.answers import Unanswered
    from launchers.machines.script import ScriptError

    yield from (Unanswered, ScriptError)
    from campaign.spec import SpecError
    from flows.labelling.published.frame import LabelError

    yield from (SpecError, LabelError)
    from campaign.archive.layout import ArchiveError

    yield ArchiveError
    from campaign.results.errors import NoDatabase, UnknownCampaign, UnknownResult, UnknownTable

    yield from (NoDatabase, UnknownCampaign, UnknownResult, UnknownTable)


def _is_of_database(error: Exception) -> bool:
    if "pymongo" not in sys.modules:  # then nothing of it was raised
        return False
    from launchers.queue.patience import DATABASE_ERRORS

    return isinstance(error, DATABASE_ERRORS)


def _is_away(error: Exception) -> bool:
    from launchers.queue.patience import DATABASE_AWAY

    return isinstance(error, DATABASE_AWAY)


def _answer(error: Exception) -> dict[str, Any]:
    """What the server said: of a bulk write, about the first operation that failed."""
    details = getattr(error, "details", None) or {}
    return (details.get("writeErrors") or [details])[0]


def _is_named(error: OSError, arguments: Sequence[str]) -> bool:
    """Whether it is about a path that stands in the arguments, or one in a folder that does."""
    about = {Path(str(one)).absolute() for one in (error.filename, error.filename2) if one is not None}
    given = {Path(one.partition("=")[2] if one.startswith("--") else one).absolute() for one in arguments if one}
    here = Path.cwd()
    return any(path in given or (set(path.parents) & given) - {here, *here.parents} for path in about)


def _causes(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__
    return found
