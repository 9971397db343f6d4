"""What the server says when a command fails."""

import sqlite3
from typing import Any


class CommandError(Exception):
    """A command that fails with a code that MongoDB's drivers know."""

    def __init__(self, code: int, name: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.details = details

    def write_error(self, position: int) -> dict[str, Any]:
        """The entry of `writeErrors` for the operation at `position` of a command."""
        return {"index": position, "code": self.code, "errmsg": str(self), **self.details}

    def reply(self) -> dict[str, Any]:
        """The reply to a command that failed as a whole."""
        return {
            "ok": 0.0,
            "errmsg": str(self),
            "code": self.code,
            "codeName": self.name,
            **self.details,
        }


def bad_value(message: str) -> CommandError:
    """The error for an argument that makes no sense."""
    return CommandError(2, "BadValue", message)


def not_supported(what: str) -> CommandError:
    """The refusal of what MongoDB can do, and this server cannot."""
    return CommandError(115, "CommandNotSupported", f"the embedded database does not have this: {what}")


def failed_to_parse(message: str) -> CommandError:
    """The error for a command whose parts do not go together."""
    return CommandError(9, "FailedToParse", message)


def type_mismatch(message: str) -> CommandError:
    """The error for a value of a kind that has no place there."""
    return CommandError(14, "TypeMismatch", message)


def duplicate_key(namespace: str, index: str, pattern: dict[str, int], value: dict[str, Any]) -> CommandError:
    """The error for a document that a unique index refuses."""
    message = f"E11000 duplicate key error collection: {namespace} index: {index} dup key: {value}"
    return CommandError(11000, "DuplicateKey", message, keyPattern=pattern, keyValue=value)


def of_sqlite(error: sqlite3.Error) -> CommandError:
    """The error for what SQLite could not do: a full disk has a code of its own."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return CommandError(
            14031,
            "OutOfDiskSpace",
            "disk full: nothing of this command was stored; free some space and try again",
        )
    return CommandError(1, "InternalError", f"the database file cannot be used: {error}")


def internal(error: Exception) -> CommandError:
    """The error for what nobody foresaw: the log says where."""
    return CommandError(1, "InternalError", f"{type(error).__name__}: {error}")
