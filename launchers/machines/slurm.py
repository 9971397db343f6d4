"""Slurm: what it says of jobs, and the keys of its template."""

from __future__ import annotations

import getpass
import re
from collections.abc import Collection

from launchers.machines.answers import TIMEOUT_S, Answer, Job, State, answered, iso_time
from launchers.machines.protocol import Scheduler
from launchers.machines.site import ResourceClass

_FORMAT = "%A|%T|%S|%e|%j|%r"  # %A: what SLURM_JOB_ID is, also in an array
_WAITING = {"PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
_RUNNING = {"RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "RESIZING", "STAGE_OUT"}
_NOISE = ("sbatch: ", "error: ", "Batch job submission failed: ", "allocation failure: ")


class Slurm(Scheduler):
    """Slurm 20 and newer."""

    kind = "slurm"
    fireworks_name = "SLURM"
    submit = "sbatch"
    cancel = "scancel"
    variable = "SLURM_JOB_ID"

    def listed(self, numbers: Collection[str], timeout_s: float = TIMEOUT_S) -> list[Job]:  # noqa: ARG002 - all are
        return parse_jobs(answered(["squeue", "-h", "-t", "all", "-u", getpass.getuser(), "-o", _FORMAT], timeout_s))

    def cluster(self, timeout_s: float = TIMEOUT_S) -> str:
        found = re.search(r"^ClusterName\s*=\s*(\S+)", answered(["scontrol", "show", "config"], timeout_s), re.MULTILINE)
        return found[1] if found else ""

    def end(self, job_id: str) -> float | None:
        return iso_time(answered(["squeue", "-h", "-j", job_id, "-o", "%e"]).strip())

    def resources(self, one: ResourceClass) -> dict[str, str | int | None]:
        return {
            "nodes": one.nodes,
            # its own job asks for as many tasks as it likes: `srun vasp_std` starts one on each core
            "ntasks_per_node": one.cores if one.own else 1,
            "cpus_per_task": 1 if one.own else one.cores,
            "mem": f"{one.memory}M" if one.memory else None,
            "gres": one.gres or (f"gpu:{one.gpus}" if one.gpus else None),
            "walltime": walltime(one.walltime),
            "queue": one.partition,
            "account": one.account,
            "qos": one.qos,
        }

    def on_each_node(self, one: ResourceClass) -> str:
        """What starts a command once on each node of an allocation; empty on one node."""
        if one.nodes == 1:
            return ""
        # srun takes the cores of a task from no one else since 22.05; a node that is lost leaves the others at work
        return f"srun --nodes={one.nodes} --ntasks-per-node=1 --cpus-per-task={one.cores} --kill-on-bad-exit=0"

    def lacks(self, partition: str) -> str:
        """What there is instead of a partition that there is not; empty if there is."""
        there = {one.rstrip("*") for one in answered(["sinfo", "-h", "-o", "%P"]).split()}
        return "" if partition in there else f"there are {', '.join(sorted(there))}"

    def trial(self, path: str) -> list[str]:
        """The command that tells whether a script would be taken."""
        return ["sbatch", "--test-only", path]

    def refusal(self, answer: Answer) -> str:
        """Why it took no job, in its own words less what says nothing."""
        lines = [line.strip() for line in answer.error.splitlines() if line.strip()]
        line = next((one for one in lines if "rror:" in one or "failure:" in one), answer.complaint)
        for noise in _NOISE:
            line = line.removeprefix(noise)
        return line[:300]


def parse_jobs(text: str) -> list[Job]:
    """The jobs in the output of `squeue -h -o '%A|%T|%S|%e|%j|%r'`."""
    found = []
    for line in text.splitlines():
        parts = line.strip().split("|", 5)
        if len(parts) == 6:
            number, word, started, ends, name, reason = parts
            found.append(Job(number, name, _state(word), word, "" if reason == "None" else reason, iso_time(started), iso_time(ends)))
    return found


def _state(word: str) -> State:
    if word in _WAITING:
        return State.PENDING
    return State.RUNNING if word in _RUNNING else State.ENDED


def walltime(seconds: int) -> str:
    """`1-02:03:04`."""
    minutes, rest = divmod(seconds, 60)
    days, minutes = divmod(minutes, 24 * 60)
    return f"{f'{days}-' if days else ''}{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"
