"""Work that failed: why, where to look, and what it holds up."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass

from campaign.planning.plan import Plan, Work
from campaign.steering.status import State, Status
from flows.keys import job_uuid
from flows.records import Failure
from flows.training.names import level_title
from launchers.farm import Farm
from launchers.queue.launchpad import Fizzled, QueuedWork, fizzled


@dataclass(frozen=True)
class FailedWork:
    """A piece of work with its failure; `fw_id` is its number for `lpad`.

    `run_directory` is where it ran, `traceback` what Python said, `blocked` how many other pieces need it; `structure` is
    what a person calls the structure of a label that failed, `host` where it ran last, `runs` how often it did.
    """

    work: Work
    record: Failure
    fw_id: int
    run_directory: str
    traceback: str
    blocked: int
    structure: str = ""
    host: str = ""
    runs: int = 0

    @property
    def what(self) -> str:
        """`CCSD(T) of structure 7 (rattle 0.02 Å, seed 3)`; of what is no label, the title of the work."""
        if not self.structure:
            return self.work.title
        return f"{level_title(self.record.level)} of {self.structure}" if self.record.level else self.structure

    @property
    def text(self) -> str:
        """What failed, and why."""
        return f"{self.what}: {self.record.message}"


def failed_work(farm: Farm, status: Status) -> list[FailedWork]:
    """All failures of a campaign, in the order of its plan; of a chunk of labels one for each that failed."""
    failed = status.of(State.FAILED)
    reasons = {one.key: one for one in fizzled(farm, [status.queued[work.key] for work in failed])}
    stored = farm.delivered(job_uuid(part) for work in failed for part in work.parts)
    return [
        one
        for work in failed
        for one in _failed(status.plan, work, status.queued[work.key], reasons.get(work.key))
        if one.record.label_key is None or _is_missing(one, stored)
    ]


def _is_missing(failed: FailedWork, stored: Set[str]) -> bool:
    """Whether a label that failed is asked for, and no other job has computed it since."""
    key = failed.record.label_key
    return key in failed.work.parts and job_uuid(key) not in stored


def dependents(plan: Plan, key: str) -> int:
    """How many pieces of work need the record of `key`, or the record of one that does."""
    needing = {key}
    for work in plan.work.values():  # inputs come before what needs them
        if needing & set(work.needs):
            needing.add(work.key)
    return len(needing) - 1


def _failed(plan: Plan, work: Work, queued: QueuedWork, reason: Fizzled | None) -> Iterator[FailedWork]:
    blocked = dependents(plan, work.key)
    if reason is None:
        yield FailedWork(work, _record_gone(work, queued), queued.fw_id, "", "", blocked)
        return
    for failure in reason.parts or (reason.failure,):
        record = _of_its_level(plan, work, Failure.model_validate(failure))
        where = record.run_directory or reason.launch_directory
        structure = _structure(plan, work, record)
        yield FailedWork(work, record, queued.fw_id, where, reason.traceback, blocked, structure, reason.host, reason.runs)


def _of_its_level(plan: Plan, work: Work, record: Failure) -> Failure:
    """With the level as the campaign calls it: jobs know what their engine computes."""
    asked = plan.requests.get(work.system)
    place = asked.places.get(record.label_key or "") if asked is not None else None
    return record if place is None else record.model_copy(update={"level": place[1]})


def _structure(plan: Plan, work: Work, record: Failure) -> str:
    asked = plan.requests.get(work.system)
    return asked.name(record.structure_key) if asked is not None and record.structure_key else ""


def _record_gone(work: Work, queued: QueuedWork) -> Failure:
    return Failure(
        stage=work.stage,
        kind="record-missing",
        message=f"its workflow is {queued.state}, but the record is not in the database",
        advice=f"`lpad rerun_fws -i {queued.fw_id}` computes it again",
    )
