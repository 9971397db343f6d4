"""A program that computes labels: whether it is here, how it is started in a directory, and how it ended."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

OUT, ERRORS = "program.out", "program.err"
_LAST_WORDS = 300
_ADVICE = "retry, with more memory or on more nodes where it was that"


def missing(words: Sequence[str], name: str) -> list[str]:
    """The programs of a command that are not on this machine: its first word, and that called `name` in any spelling.

    A file that cannot be run may be what the first word reads (`bash run-vasp.sh`); where one of that name is here, others are names of jobs and files
    (`srun --job-name vasp vasp_std`).
    """
    started = [one for one in words[1:] if name in Path(one).name.lower() and not one.startswith("-")]
    here = any(Path(one).is_file() or shutil.which(one) for one in started)
    return not_here((words[0], *([] if here else started)))


def not_here(names: Sequence[str]) -> list[str]:
    """Which of some programs are not on the PATH of this machine."""
    return [one for one in dict.fromkeys(names) if shutil.which(one) is None]


def lacking(commands: Mapping[str, tuple[str | None, str]]) -> Iterator[tuple[str, str]]:
    """For each setting that has a command (None: it has none) of a program of that name: what of it is not on this machine."""
    for key, (command, name) in commands.items():
        if command is not None and (absent := missing(shlex.split(command), name)):
            yield key, f"{', '.join(absent)} is not on this machine; where labels are computed, {key} has to start {name}"


def run(words: Sequence[str], directory: Path, output: str = OUT, errors: str = ERRORS) -> int:
    """Its exit code; a negative one, or one beyond 128 where a launcher tells of it, is a signal.

    Raises:
        OSError: it cannot be started.
    """
    with (directory / output).open("w") as out, (directory / errors).open("w") as wrong:
        return subprocess.run(words, cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=wrong, preexec_fn=end_with_parent, check=False).returncode


def end_with_parent() -> None:
    """SIGTERM, which launchers as srun pass on (Linux): to be called in what is to end when the process that starts it does.

    The child that computes ignores SIGTERM, and what it starts would have that from it.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


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
