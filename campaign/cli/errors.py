"""Which errors are the user's to mend, and how to say them in one line."""

from __future__ import annotations


class UsageError(Exception):
    """The command was asked for something that cannot be: what, where, and what to do."""


def is_users(error: Exception) -> bool:
    """Whether the message alone is what the user needs (exit code 2), or a traceback would help us."""
    from campaign.spec import SpecError

    if isinstance(error, UsageError | SpecError):
        return True
    names = {type(one).__name__ for one in _causes(error)}
    return bool(names & {"DatabaseError", "LabelError", "UnknownCampaignError", "UnknownCampaign", "UnknownTable"}) or isinstance(
        error, OSError
    )


def one_line(error: Exception) -> str:
    """What went wrong, where it can be said on a line of its own (several problems: a line each)."""
    text = str(error).strip() or type(error).__name__
    if type(error).__module__.startswith("pymongo"):
        return f"the database: {text.splitlines()[0][:300]}"
    return text


def _causes(error: BaseException | None) -> list[BaseException]:
    found = []
    while error is not None:
        found.append(error)
        error = error.__cause__
    return found
