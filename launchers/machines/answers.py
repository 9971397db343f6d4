"""What a scheduler answers about jobs, in one form for all schedulers; and how one is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

TIMEOUT_S = 60.0
# variables that hold secrets, or that make the programs of a scheduler speak otherwise than is read here
_HIDDEN = ("LATTICEFARM_MONGO_URI", "LATTICEFARM_TEST_MONGO_URI")
_OF_AN_ALLOCATION = ("SLURM_", "SBATCH_", "SQUEUE_", "SINFO_")
_KEPT = ("SLURM_CONF", "SLURM_CLUSTERS")


class Unanswered(Exception):
    """The scheduler did not answer: nothing is known of its jobs, least of all that they are gone."""


class NoScheduler(Unanswered):
    """Its programs are not on this machine."""


class State(StrEnum):
    """What matters of a job's state; `RUNNING` also while it begins, is suspended or ends."""

    PENDING = "pending"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True)
class Job:
    """One job of a scheduler.

    `word` is the scheduler's own for its state, `reason` what it says of a job that waits; `started` and `ends` are
    Unix times (of one that has ended, when it did; of one that waits, what the scheduler expects), None where unknown.
    """

    id: str
    name: str
    state: State
    word: str
    reason: str = ""
    started: float | None = None
    ends: float | None = None


def of_names(jobs: Collection[Job], allocations: Mapping[str, str | None]) -> dict[str, Job]:
    """Those of `jobs` that are `allocations`, by name: found by job id, or by the name where no id is known."""
    by_id, by_name = {job.id: job for job in jobs}, {job.name: job for job in jobs}
    found = {name: by_name.get(name) if number is None else by_id.get(number) for name, number in allocations.items()}
    # numbers begin anew in a scheduler that lost its state: then one is another's
    return {name: job for name, job in found.items() if job is not None and job.name == name}


def iso_time(text: str | None) -> float | None:
    """`2026-11-26T16:36:46` in local time; None for whatever is no time (`N/A`, `NONE`, `Unknown`)."""
    try:
        return None if text is None else datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


@dataclass(frozen=True)
class Answer:
    """What a program of a scheduler returned."""

    code: int
    out: str
    error: str

    @property
    def complaint(self) -> str:
        """Its last words, in one line."""
        lines = [line.strip() for line in (self.error or self.out).splitlines() if line.strip()]
        return (lines or [f"exit code {self.code}, no word"])[-1][:300]


def ask(command: Sequence[str], timeout_s: float = TIMEOUT_S, stdin: str | None = None) -> Answer:
    """Run a program of a scheduler, in an environment without secrets, speaking English.

    Raises:
        NoScheduler: there is no such program.
        Unanswered: it takes longer than `timeout_s`.
    """
    program = shutil.which(command[0])
    if program is None:
        raise NoScheduler(f"no {command[0]} on the PATH of this machine: go to a login node of the site, or load its module")
    try:
        done = subprocess.run(
            [program, *command[1:]],
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            env=environment(os.environ),
        )
    except subprocess.TimeoutExpired:
        raise Unanswered(f"{command[0]} did not answer within {timeout_s:g} s") from None
    except OSError as error:
        raise Unanswered(f"{command[0]}: {error.strerror}") from None
    return Answer(done.returncode, done.stdout, done.stderr)


def answered(command: Sequence[str], timeout_s: float = TIMEOUT_S) -> str:
    """What a program of a scheduler prints.

    Raises:
        Unanswered: it fails, or takes too long.
    """
    answer = ask(command, timeout_s)
    if answer.code != 0:
        raise Unanswered(f"{command[0]}: {answer.complaint.removeprefix(f'{command[0]}: ')}")
    return answer.out


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Those of `variables` that a scheduler may see: it hands them on to jobs, and shows them to its operators.

    What an allocation says of itself is left out, so that one that is submitted from inside another is not told by it.
    """
    kept = {
        name: value
        for name, value in variables.items()
        if name not in _HIDDEN and (name in _KEPT or not name.startswith(_OF_AN_ALLOCATION))
    }
    return {**kept, "LC_ALL": "C", "LSB_DISPLAY_YEAR": "Y"}
