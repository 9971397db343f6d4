"""Where each piece of work stands: the plan held against the records and the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from campaign.planning.plan import Plan, Work
from campaign.records.campaigns import holds
from campaign.steering.holds import is_held
from flows.keys import job_uuid
from launchers.farm import Farm
from launchers.queue.launchpad import QueuedWork, queued, to_rescue


class State(StrEnum):
    """The states of a piece of work, in words that a user can say."""

    DONE = "done"
    RUNNING = "running"
    QUEUED = "queued"
    PAUSED = "paused"
    MISSING = "to do"  # could be queued, and is not
    WAITING = "waiting"  # for work that is not done
    FAILED = "failed"
    BLOCKED = "blocked"  # by work that failed


GOES_ON = frozenset({State.RUNNING, State.QUEUED, State.MISSING})
ENDED = frozenset({State.DONE, State.FAILED, State.BLOCKED})

_OF_FIREWORKS = {
    "READY": State.QUEUED,
    "WAITING": State.QUEUED,
    "RESERVED": State.QUEUED,
    "RUNNING": State.RUNNING,
    "FIZZLED": State.FAILED,
    "PAUSED": State.PAUSED,
    "DEFUSED": State.PAUSED,
    # COMPLETED without a record: somebody removed the record, and it cannot be run again by itself
    "COMPLETED": State.FAILED,
    "ARCHIVED": State.FAILED,
}


@dataclass(frozen=True)
class Status:
    """The state of every piece of work of a plan, its workflow where it has one, and the labels that are stored of
    labelling which is not done."""

    plan: Plan
    states: dict[str, State]
    queued: Mapping[str, QueuedWork]
    stored: Set[str] = frozenset()

    def of(self, state: State) -> list[Work]:
        return [work for key, work in self.plan.work.items() if self.states[key] is state]

    def counts(self) -> Counter[State]:
        return Counter(self.states.values())

    def of_all(self, states: frozenset[State]) -> bool:
        """Whether every piece of work is in one of `states`."""
        return states >= set(self.states.values())

    @property
    def idle(self) -> bool:
        """Whether nothing is left that could go on by itself."""
        # what waits, waits for work that goes on, or that somebody paused
        return not GOES_ON & set(self.states.values())


def status_of(farm: Farm, plan: Plan) -> Status:
    """Ask the database how far `plan` has come."""
    selections = holds(farm, plan.campaign)
    delivered = farm.delivered(job_uuid(key) for key in plan.work)
    done = {key for key in plan.work if job_uuid(key) in delivered}
    workflows = queued(farm, [key for key in plan.work if key not in done])
    stored = _stored(farm, [work for key, work in plan.work.items() if key not in done and (key in workflows or not work.needs)])
    done |= _labelled_elsewhere(plan, workflows, stored)
    lost = to_rescue(farm, workflows.values())
    held = {key for key, work in plan.work.items() if is_held(work, selections)}
    return Status(plan, states(plan, done, workflows, held, lost), workflows, stored)


def _stored(farm: Farm, works: Iterable[Work]) -> set[str]:
    """The labels that are there of these jobs: each is stored when it is computed, not when its job ends."""
    uuids = {job_uuid(part): part for work in works for part in work.parts}
    return {uuids[uuid] for uuid in farm.delivered(uuids)}


def _labelled_elsewhere(plan: Plan, workflows: Mapping[str, QueuedWork], stored: Set[str]) -> set[str]:
    """Labelling that failed and of which every label is there, as other jobs have computed them since."""
    failed = {key: plan.work[key].parts for key, one in workflows.items() if _OF_FIREWORKS.get(one.state) is State.FAILED}
    return {key for key, parts in failed.items() if parts and stored >= set(parts)}


def states(
    plan: Plan,
    done: Set[str],
    workflows: Mapping[str, QueuedWork],
    held: Set[str] = frozenset(),
    lost: Set[str] = frozenset(),
) -> dict[str, State]:
    """The state of each key, derived from what is delivered, queued, held back, and lost by a machine (FIZZLED, no failure)."""
    found: dict[str, State] = {}
    for key, work in plan.work.items():  # inputs come before what needs them
        if key in done:
            found[key] = State.DONE
        elif key in lost:
            found[key] = State.QUEUED  # a worker puts it back
        elif key in workflows:
            found[key] = _OF_FIREWORKS.get(workflows[key].state, State.QUEUED)
        else:
            state = _unqueued({found.get(need, State.MISSING) for need in work.needs})
            found[key] = State.PAUSED if state is State.MISSING and key in held else state
    return found


def _unqueued(of_inputs: set[State]) -> State:
    if of_inputs & {State.FAILED, State.BLOCKED}:
        return State.BLOCKED
    return State.MISSING if of_inputs <= {State.DONE} else State.WAITING
