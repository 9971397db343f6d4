"""What a person does to a campaign, or to the part of it that a selection names: retry, pause, resume, cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from campaign.planning.plan import Plan
from campaign.records.campaigns import Selection, hold, note, release, resolved_spec
from campaign.spec.errors import nearest
from campaign.steering.leftovers import asked_elsewhere
from campaign.steering.progress import matching
from campaign.steering.submit import reconcile
from launchers.farm import Farm
from launchers.queue import launchpad
from launchers.queue.locks import patient_locks
from launchers.workers.rescue import Reaper

LOCK_PATIENCE_S = 5.0  # a lock is held for milliseconds: a person is not to wait for one that a dead process left
_ONE_AT_A_TIME = threading.Lock()  # of this process: how FireWorks takes locks is said for all of it


class NoSuchWork(Exception):
    """The campaign asks for no work of that selection; the message names the nearest."""


@dataclass(frozen=True)
class Chosen:
    """The work of one campaign that somebody steers: those `keys` of its plan that lie in one of the `selections`."""

    farm: Farm
    plan: Plan
    selections: tuple[Selection, ...]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, farm: Farm, plan: Plan, selection: Mapping[str, Any]) -> Chosen:
        """The work whose fields have the values of `selection`.

        Raises:
            NoSuchWork: there is none.
        """
        left = list(plan.work.values())
        for name, value in selection.items():
            known = dict.fromkeys(str(getattr(work, name)) for work in left)
            left = matching(left, **{name: value})
            if not left:
                raise NoSuchWork(f"{plan.campaign} asks for no work of {name} {value}; {nearest(str(value), known)}")
        return cls(farm, plan, (selection,), tuple(work.key for work in left))

    @classmethod
    def these(cls, farm: Farm, plan: Plan, keys: Iterable[str]) -> Chosen:
        """These pieces of work, each a selection of its own; what the plan has no more is left out.

        Raises:
            NoSuchWork: none of them is left.
        """
        known = tuple(key for key in dict.fromkeys(keys) if key in plan.work)
        if not known:
            raise NoSuchWork(f"{plan.campaign} asks for none of this work any more")
        return cls(farm, plan, tuple({"key": key} for key in known), known)

    @property
    def alone(self) -> list[str]:
        """The chosen keys that no other campaign asks for."""
        wanted = asked_elsewhere(self.farm, self.keys, self.plan.campaign)
        return [key for key in self.keys if key not in wanted]

    def hold(self) -> None:
        """Or the next advance would queue it again."""
        for selection in self.selections:
            hold(self.farm, self.plan.campaign, selection)

    def reconcile(self) -> list[str]:
        """Queue what is asked for and lacking; the keys that were added."""
        return list(reconcile(self.farm, resolved_spec(self.farm, self.plan.campaign)).added)


def _retry(chosen: Chosen) -> list[str]:
    # added anew: a limit that was raised since (cycles, time, memory) is in no key, and the old job knows the old one
    withdrawn = launchpad.withdraw(chosen.farm, chosen.keys)
    chosen.reconcile()
    return withdrawn


def _pause(chosen: Chosen) -> list[str]:
    chosen.hold()
    return launchpad.pause(chosen.farm, chosen.alone)


def _resume(chosen: Chosen) -> list[str]:
    for selection in chosen.selections:
        release(chosen.farm, chosen.plan.campaign, selection)
    return [*launchpad.resume(chosen.farm, chosen.keys), *chosen.reconcile()]


def _cancel(chosen: Chosen) -> list[str]:
    chosen.hold()
    return launchpad.cancel(chosen.farm, chosen.alone)


@dataclass(frozen=True)
class Act:
    """One way to steer; `done` is what became of the jobs, in words."""

    on: Callable[[Chosen], list[str]]
    done: str


ACTS = {
    "retry": Act(_retry, "back in the queue"),
    "pause": Act(_pause, "paused"),
    "resume": Act(_resume, "going on"),
    "cancel": Act(_cancel, "cancelled"),
}


def steer(chosen: Chosen, act: str, by: str, tell: Callable[[str], object] = print) -> list[str]:
    """Do one of `ACTS`, note who did it, and return the keys that it was done to."""
    with _ONE_AT_A_TIME:
        Reaper(chosen.farm, LOCK_PATIENCE_S).unlock(tell)
        with patient_locks(LOCK_PATIENCE_S):
            keys = ACTS[act].on(chosen)
        about = dict(chosen.selections[0]) if len(chosen.selections) == 1 else {"keys": len(chosen.selections)}
        note(chosen.farm, chosen.plan.campaign, {"act": act, "by": by, "on": about, "jobs": len(keys)})
    return keys
