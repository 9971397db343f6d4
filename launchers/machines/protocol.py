"""What every scheduler is asked, and what most of them answer alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping

from launchers.machines.answers import TIMEOUT_S, Answer, Job, ask, of_names
from launchers.machines.site import ResourceClass


class Scheduler(ABC):
    """One kind of scheduler.

    `variable` holds the number of the job that a process is in; `submit`, `cancel` and `queue` are its programs (the last
    with the arguments that come before the name of a queue).
    """

    kind: str
    fireworks_name: str
    submit: str
    cancel: str
    queue: tuple[str, ...]
    variable: str

    @abstractmethod
    def listed(self, numbers: Collection[str], timeout_s: float = TIMEOUT_S) -> list[Job]:
        """What it lists of this user, in which those of these job ids are that it knows; of an array, all under one id.

        Raises:
            Unanswered: nothing is known of any.
        """

    def jobs(self, allocations: Mapping[str, str | None], timeout_s: float = TIMEOUT_S) -> dict[str, Job]:
        """Those of `allocations` (names, and job ids where known) that it knows, by name.

        Raises:
            Unanswered: nothing is known of any.
        """
        return of_names(self.listed([one for one in allocations.values() if one], timeout_s), allocations) if allocations else {}

    @abstractmethod
    def cluster(self, timeout_s: float = TIMEOUT_S) -> str:
        """The name of the cluster.

        Raises:
            Unanswered: it does not say it.
        """

    @abstractmethod
    def end(self, job_id: str) -> float | None:
        """The Unix time at which a job has to end; None where nobody knows.

        Raises:
            Unanswered: nothing is known of the job.
        """

    def keys(self, one: ResourceClass) -> dict[str, str | int]:
        """Those of the template for one allocation."""
        return {name: value for name, value in self.resources(one).items() if value is not None}

    @abstractmethod
    def resources(self, one: ResourceClass) -> dict[str, str | int | None]:
        """The same; None: the site says nothing of it."""

    def on_each_node(self, one: ResourceClass) -> str:  # noqa: ARG002 - most have it from the site
        """What starts a command once on each node of an allocation; empty where the site says it."""
        return ""

    def withdraw(self, job_id: str) -> None:
        """Cancel a job; if it cannot be done, it stays."""
        ask([self.cancel, job_id])

    def lacks(self, partition: str) -> str:
        """What is said of a queue that there is not; empty if there is."""
        answer = ask([*self.queue, partition])
        return answer.complaint if answer.code else ""

    def trial(self, path: str) -> list[str] | None:  # noqa: ARG002 - not all have one
        """The command that tells whether a script would be taken; None where there is none."""
        return None

    @abstractmethod
    def refusal(self, answer: Answer) -> str:
        """Why it took no job, in one line."""
