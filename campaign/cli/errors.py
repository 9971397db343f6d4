"""Which errors are the user's to mend, and how to say them in one line."""

from __future__ import annotations

from typing import Any

# errors of a database that its user can mend: a disk, a password, a role
_MENDABLE = {13, 18, 8000, 14031}
_AWAY = {"AutoReconnect", "ServerSelectionTimeoutError", "NetworkTimeout", "ConnectionFailure"}


class UsageError(Exception):
    """The command was asked for something that cannot be: what, where, and what to do."""


def is_users(error: Exception) -> bool:
    """Whether the message alone is what the user needs (exit code 2), or a traceback would help us."""
    from campaign.spec import SpecError

    if isinstance(error, UsageError | SpecError):
        return True
    if _is_of_database(error):
        return _answer(error).get("code") in _MENDABLE or type(error).__name__ in _AWAY
    names = {type(one).__name__ for one in _causes(error)}
    return bool(names & {"DatabaseError", "LabelError", "UnknownCampaignError", "UnknownCampaign", "UnknownTable"}) or isinstance(
        error, OSError
    )


def one_line(error: Exception) -> str:
    """What went wrong, where it can be said on a line of its own (several problems: a line each)."""
    text = str(error).strip() or type(error).__name__
    if _is_of_database(error):
        if type(error).__name__ in _AWAY:
            return "the database does not answer any more: see `latticefarm db status`, and try again"
        return f"the database: {_answer(error).get('errmsg') or text.splitlines()[0][:300]}"
    return text


def _is_of_database(error: Exception) -> bool:
    return type(error).__module__.startswith("pymongo")


def _answer(error: Exception) -> dict[str, Any]:
    """What the server said: of a bulk write, about the first operation that failed."""
    details = getattr(error, "details", None) or {}
    return (details.get("writeErrors") or [details])[0]


def _causes(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__
    return found
