"""A program that computes labels: whether it is here, how it is started in a directory, and how it ended."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

_LAST_WORDS = 300
_ADVICE = "retry, with more memory or on more nodes where it was that"


def missing(words: Sequence[str], name: str) -> list[str]:
    """The programs of a command that are not on this machine: its first word, and those called `name` in any spelling."""
    started = [one for one in words[1:] if name in Path(one).name.lower() and not (one.startswith("-") or Path(one).is_file())]
    return not_here((words[0], *started))


def not_here(names: Sequence[str]) -> list[str]:
    """Which of some programs are not on the PATH of this machine."""
    return [one for one in dict.fromkeys(names) if shutil.which(one) is None]


def run(words: Sequence[str], directory: Path, output: str, errors: str) -> int:
    """Its exit code; a negative one, or one beyond 128 where a launcher tells of it, is a signal.

    Raises:
        OSError: it cannot be started.
    """
    with (directory / output).open("w") as out, (directory / errors).open("w") as wrong:
        return subprocess.run(words, cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=wrong, check=False).returncode


def signal_of(code: int) -> signal.Signals | None:
    """The signal that ended it, also where a launcher such as mpirun says so."""
    number = -code if code < 0 else code - 128
    return signal.Signals(number) if number in list(signal.Signals) else None


def killed(name: str, by: signal.Signals) -> tuple[str, str]:
    """What to say of it, and what to do."""
    hint = ", as when the machine is out of memory" if by == signal.SIGKILL else ""
    return f"{name} was ended by {by.name}{hint}", _ADVICE


def last_words(*paths: Path) -> str:
    """The end of the first of its files that says anything: `: no space left on device`."""
    for path in paths:
        text = path.read_text(errors="replace").strip()
        if text:
            return f": {' '.join(text[-_LAST_WORDS:].split())}"
    return ""
