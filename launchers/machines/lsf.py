"""LSF: what it says of jobs, and the keys of its template."""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from datetime import datetime, timedelta

from launchers.machines.answers import TIMEOUT_S, Answer, Job, State, Unanswered, answered, ask
from launchers.machines.protocol import Scheduler
from launchers.machines.site import ResourceClass

_FIELDS = "jobid stat start_time finish_time job_name pend_reason delimiter='|'"
_STATES = {"PEND": State.PENDING, "PSUSP": State.PENDING, "WAIT": State.PENDING}
_STATES |= {"RUN": State.RUNNING, "USUSP": State.RUNNING, "SSUSP": State.RUNNING, "UNKWN": State.RUNNING, "PROV": State.RUNNING}
_NONE = re.compile(r"No (unfinished |matching )?job found|is not found", re.IGNORECASE)


class LSF(Scheduler):
    """LSF 10.1 and newer, by `bjobs -o`."""

    kind = "lsf"
    fireworks_name = "LoadSharingFacility"
    submit = "bsub"
    cancel = "bkill"
    queue = ("bqueues",)
    variable = "LSB_JOBID"

    def listed(self, numbers: Collection[str], timeout_s: float = TIMEOUT_S) -> list[Job]:  # noqa: ARG002 - all are
        return parse_jobs(_asked(["-a", "-noheader", "-o", _FIELDS], timeout_s))

    def cluster(self, timeout_s: float = TIMEOUT_S) -> str:
        found = re.search(r"My cluster name is (\S+)", answered(["lsid"], timeout_s))
        return found[1] if found else ""

    def end(self, job_id: str) -> float | None:
        return parse_time(_asked(["-noheader", "-o", "finish_time", job_id]))

    def resources(self, one: ResourceClass) -> dict[str, str | int | None]:
        return {
            "ntasks": one.all_cores,
            "span": f"span[ptile={one.cores}]",
            "mem": f"rusage[mem={one.memory}MB]" if one.memory else None,
            "gpu": one.gres or (f"num={one.gpus}" if one.gpus else None),
            "walltime": f"{one.walltime // 3600:02d}:{one.walltime // 60 % 60:02d}",
            "queue": one.partition,
            "account": one.account,
            "qos": one.qos,
        }

    def refusal(self, answer: Answer) -> str:
        """Why it took no job: LSF says it first."""
        lines = [line.strip() for line in answer.error.splitlines() if line.strip()]
        return (lines or [answer.complaint])[0].removesuffix(" Job not submitted.")[:300]


def _asked(arguments: list[str], timeout_s: float = TIMEOUT_S) -> str:
    answer = ask(["bjobs", *arguments], timeout_s)
    if answer.code != 0 and not _NONE.search(answer.error):
        raise Unanswered(f"bjobs: {answer.complaint.removeprefix('bjobs: ')}")
    return answer.out


def parse_jobs(text: str) -> list[Job]:
    """The jobs in the output of `bjobs -o` with the fields of this module."""
    found = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("|", 5)]
        if len(parts) == 6:
            number, word, started, ends, name, reason = parts
            state = _STATES.get(word, State.ENDED)
            why = reason.strip(" ;") if state is State.PENDING and reason != "-" else ""
            found.append(Job(number, name, state, word, why, parse_time(started), parse_time(ends)))
    return found


def parse_time(text: str, now: float | None = None) -> float | None:
    """`Nov 26 14:04 2026 L`, `Nov 26 14:04:06 2026`, local time; without a year, that which is next to now."""
    found = re.match(r"\s*([A-Z][a-z]{2})\s+(\d+)\s+(\d+:\d\d)(:\d\d)?(?:\s+(\d{4}))?", text)
    if found is None:
        return None
    month, day, minute, second, year = found.groups()
    here = datetime.fromtimestamp(time.time() if now is None else now)
    years = [int(year)] if year else [here.year - 1, here.year, here.year + 1]
    moments = [_moment(f"{month} {day} {minute}{second or ':00'} {one}") for one in years]
    return min((one for one in moments if one), key=lambda one: abs(one - here), default=here + timedelta(days=1)).timestamp()


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%b %d %H:%M:%S %Y")
    except ValueError:  # the 29th of February of another year
        return None
