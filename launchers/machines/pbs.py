"""PBS (PBS Pro, OpenPBS; of Torque the answers): what it says of jobs, and the keys of its template."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime

from launchers.machines.answers import TIMEOUT_S, Answer, Job, State, Unanswered, answered, ask
from launchers.machines.protocol import Scheduler
from launchers.machines.site import ResourceClass, clock

_STATES = {"Q": State.PENDING, "H": State.PENDING, "W": State.PENDING, "T": State.PENDING, "M": State.PENDING}
_STATES |= {"R": State.RUNNING, "S": State.RUNNING, "U": State.RUNNING, "E": State.RUNNING, "B": State.RUNNING}
_GONE = re.compile(r"Unknown Job Id|Job has finished", re.IGNORECASE)


class PBS(Scheduler):
    """By `qstat -f`; a job whose number is not known is looked for by `qselect -N`."""

    kind = "pbs"
    fireworks_name = "PBS"
    submit = "qsub"
    cancel = "qdel"
    queue = ("qstat", "-Q")
    variable = "PBS_JOBID"

    def jobs(self, allocations: Mapping[str, str | None], timeout_s: float = TIMEOUT_S) -> dict[str, Job]:
        numbers = [number for number in allocations.values() if number is not None]
        for name, number in allocations.items():
            numbers += answered(["qselect", "-N", name], timeout_s).split() if number is None else []
        return {job.name: job for job in self.listed(numbers, timeout_s) if job.name in allocations}

    def listed(self, numbers: Collection[str], timeout_s: float = TIMEOUT_S) -> list[Job]:
        return _asked(list(numbers), timeout_s) if numbers else []

    def cluster(self, timeout_s: float = TIMEOUT_S) -> str:
        """The name of its server.

        Raises:
            Unanswered: it does not say it.
        """
        found = re.search(r"^Server: (\S+)", answered(["qstat", "-B", "-f"], timeout_s), re.MULTILINE)
        return found[1] if found else ""

    def end(self, job_id: str) -> float | None:
        return next((job.ends for job in _asked([job_id])), None)

    def resources(self, one: ResourceClass) -> dict[str, str | int | None]:
        parts = [str(one.nodes), f"ncpus={one.cores}", f"mem={one.memory}mb" if one.memory else ""]
        parts += [f"mpiprocs={one.cores}"] if one.own else []
        parts += [one.gres or (f"ngpus={one.gpus}" if one.gpus else "")]
        return {
            "select": ":".join(part for part in parts if part),
            "walltime": clock(one.walltime),
            "queue": one.partition,
            "account": one.account,
            "qos": one.qos,
        }

    def refusal(self, answer: Answer) -> str:
        """Why it took no job."""
        return answer.complaint.removeprefix("qsub: ")


def _asked(numbers: list[str], timeout_s: float = TIMEOUT_S) -> list[Job]:
    answer = ask(["qstat", "-f", *numbers], timeout_s)
    troubles = [line for line in answer.error.splitlines() if line.strip() and not _GONE.search(line)]
    if answer.code != 0 and (troubles or not answer.error.strip()):
        raise Unanswered(f"qstat: {answer.complaint.removeprefix('qstat: ')}")
    return parse_jobs(answer.out)


def parse_jobs(text: str) -> list[Job]:
    """The jobs in the output of `qstat -f`."""
    unfolded = re.sub(r"\n\t", "", text)
    found = []
    for block in re.split(r"^Job Id:", unfolded, flags=re.MULTILINE)[1:]:
        number, *lines = block.strip().splitlines()
        facts = dict(line.strip().split(" = ", 1) for line in lines if " = " in line)
        found.append(_job(number.strip(), facts))
    return found


def _job(number: str, facts: dict[str, str]) -> Job:
    word = facts.get("job_state", "?")
    state = _STATES.get(word, State.ENDED)
    started = _moment(facts.get("stime") or facts.get("start_time"))
    limit = _span(facts.get("Resource_List.walltime"))
    ends = started + limit if started is not None and limit is not None and state is State.RUNNING else None
    reason = facts.get("comment", "") if state is State.PENDING else ""
    return Job(number.partition(".")[0], facts.get("Job_Name", ""), state, word, reason, started, ends)


def _moment(text: str | None) -> float | None:
    """`Thu Nov 26 14:04:06 2026`, local time."""
    return None if text is None else datetime.strptime(text.strip(), "%a %b %d %H:%M:%S %Y").timestamp()


def _span(text: str | None) -> int | None:
    """`24:00:00`, or seconds."""
    if text is None:
        return None
    seconds = 0
    for part in text.strip().split(":"):
        seconds = seconds * 60 + int(part)
    return seconds
