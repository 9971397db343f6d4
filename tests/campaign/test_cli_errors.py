"""Which errors are the user's, by their types; a deadline that can be meant."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pymongo.errors import AutoReconnect, DocumentTooLarge, OperationFailure

from campaign.cli.errors import UsageError, is_users, one_line
from campaign.cli.queue_commands import moment
from campaign.results.errors import NoDatabase, UnknownCampaign, UnknownResult, UnknownTable
from campaign.spec import SpecError
from flows.labelling.published.frame import LabelError
from launchers.database.ladder import DatabaseError


@pytest.mark.parametrize("kind", [UsageError, SpecError, DatabaseError, LabelError, NoDatabase, UnknownCampaign, UnknownResult, UnknownTable])
def test_what_is_written_for_the_user_is_the_users(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    assert is_users(error)
    wrapped = RuntimeError("around it")
    wrapped.__cause__ = error
    assert is_users(wrapped)


def test_a_type_is_known_by_itself_and_not_by_its_name() -> None:
    assert not is_users(type("DatabaseError", (Exception,), {})("another's"))
    assert is_users(type("Mine", (DatabaseError,), {})("of its kind"))


@pytest.mark.parametrize(
    ("error", "users"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (PermissionError(errno.EACCES, "Permission denied", "/root/x"), True),
        (FileNotFoundError(errno.ENOENT, "No such file", "named/data.xyz"), True),
        (FileNotFoundError(errno.ENOENT, "No such file", "named"), True),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "named/out"), True),
        (FileNotFoundError(errno.ENOENT, "No such file", "/tmp/never-named"), False),
        (ConnectionResetError(errno.ECONNRESET, "reset"), False),
        (OSError(errno.EMFILE, "Too many open files"), False),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), False),
        (AutoReconnect("away"), True),
        (OperationFailure("not allowed", 13), True),
        (OperationFailure("a bug of ours", 9), False),
        (DocumentTooLarge("BSON document too large"), False),
        (ValueError("a bug"), False),
    ],
)
def test_errors_of_the_machine(error: Exception, users: bool) -> None:
    assert is_users(error, ["export", "--output=elsewhere", "named"]) is users


def test_an_option_names_a_path_too() -> None:
    error = FileNotFoundError(errno.ENOENT, "No such file or directory", str(Path("there/x").absolute()))
    assert is_users(error, ["report", "--output=there"])
    assert one_line(error) == f"{Path('there/x').absolute()}: No such file or directory"


def test_what_is_dear_is_imported_only_when_something_goes_wrong() -> None:
    script = "import sys, campaign.cli, campaign.cli.errors; print(*sorted({'pymongo', 'numpy', 'pydantic', 'fireworks'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5400), ("3.5h", 12600), ("600s", 600)])
def test_a_deadline_from_now(text: str, seconds: float) -> None:
    assert moment(text) - time.time() == pytest.approx(seconds, abs=2)


def test_a_deadline_as_a_unix_time() -> None:
    assert moment("4102444800") == 4102444800.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("60", "write 60s or 60m"),
        ("3.8", "write 3.8s or 3.8m"),
        ("0", "has passed"),
        ("-5", "has passed"),
        ("-5m", "has passed"),
        ("0s", "has passed"),
        ("1500000000", "has passed"),
        ("nan", "write 90m"),
        ("inf", "write 90m"),
        ("infh", "write 90m"),
        ("m", "write 90m"),
        ("", "write 90m"),
        ("soon", "write 90m"),
    ],
)
def test_a_deadline_that_cannot_be_meant(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        moment(text)
