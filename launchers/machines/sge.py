"""Grid Engine (SGE and its heirs): what it says of jobs, and the keys of its template."""

from __future__ import annotations

import getpass
import os
from collections.abc import Collection
from xml.etree import ElementTree

from launchers.machines.answers import TIMEOUT_S, Answer, Job, State, Unanswered, answered, iso_time
from launchers.machines.protocol import Scheduler
from launchers.machines.site import ResourceClass, clock


class SGE(Scheduler):
    """By `qstat -xml`: what has ended is not listed, and no end is known beforehand."""

    kind = "sge"
    fireworks_name = "SGE"
    submit = "qsub"
    cancel = "qdel"
    queue = ("qconf", "-sq")
    variable = "JOB_ID"

    def listed(self, numbers: Collection[str], timeout_s: float = TIMEOUT_S) -> list[Job]:  # noqa: ARG002 - all are
        return parse_jobs(answered(["qstat", "-u", getpass.getuser(), "-xml"], timeout_s))

    def cluster(self, timeout_s: float = TIMEOUT_S) -> str:  # noqa: ARG002 - nobody is asked
        """The name of the cluster, as its environment has it."""
        return os.environ.get("SGE_CLUSTER_NAME") or os.environ.get("SGE_ROOT", "")

    def end(self, job_id: str) -> None:  # noqa: ARG002 - no scheduler of this kind says it
        """Unknown: the script of an allocation says it."""
        return

    def resources(self, one: ResourceClass) -> dict[str, str | int | None]:
        """Those of the template for one allocation; what a parallel environment is called, only the site knows."""
        return {
            "slots": one.all_cores,
            "mem": f"mem_free={one.memory}M" if one.memory else None,
            "gpu": one.gres or (f"gpu={one.gpus}" if one.gpus else None),
            "walltime": clock(one.walltime),
            "queue": one.partition,
            "account": one.account,
            "project": one.qos,
        }

    def trial(self, path: str) -> list[str]:
        """The command that tells whether a script would be taken."""
        return ["qsub", "-w", "v", path]

    def refusal(self, answer: Answer) -> str:
        """Why it took no job: SGE says it first."""
        lines = [line.strip() for line in (answer.error or answer.out).splitlines() if line.strip()]
        return (lines or [answer.complaint])[0].removeprefix("Unable to run job: ")[:300]


def parse_jobs(text: str) -> list[Job]:
    """The jobs in the output of `qstat -xml`.

    Raises:
        Unanswered: it is no XML.
    """
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise Unanswered(f"qstat: its answer cannot be read ({error})") from None
    return [_job(one) for one in tree.iter("job_list")]


def _job(one: ElementTree.Element) -> Job:
    word = one.findtext("state", "?")
    state = State.PENDING if "q" in word or "w" in word else State.RUNNING
    reason = "error: `qstat -explain E` says why" if "E" in word else "held" if "h" in word and state is State.PENDING else ""
    return Job(one.findtext("JB_job_number", ""), one.findtext("JB_name", ""), state, word, reason, iso_time(one.findtext("JAT_start_time")))
