"""How far campaigns were a few seconds ago: the stored plan held against queue and records, for every page."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from campaign.planning.plan import Plan
from campaign.records.bulletins import bulletins
from campaign.records.campaigns import Selection, notes, overview, resolved_spec
from campaign.records.forecasts import targets
from campaign.records.outputs import wall_times_s
from campaign.records.plans import kept_plan
from campaign.results.failed import FailedWork, failed_work
from campaign.steering.status import ENDED, State, Status, status_of
from campaign.steering.submit import planned
from campaign.steering.time_left import UNMEASURED_S, Left, Pace
from campaign.web.kept import Kept
from campaign.web.label_rates import LabelTimes, Moments
from launchers.farm import Farm
from launchers.queue.launchpad import queued


@dataclass(frozen=True)
class Snapshot:
    """One campaign at `taken`: `hours` of work are stored, `left` is what is left on one slot.

    `numbers` are those of the workflows, by key, of what is done or queued; `version` changes with what a page shows, and with nothing else.
    """

    name: str
    taken: datetime
    status: Status
    numbers: Mapping[str, int]
    failed: tuple[FailedWork, ...]
    hours: float
    left: Left
    held: tuple[Selection, ...]
    notes: tuple[dict[str, Any], ...]
    submitted: datetime | None
    version: str
    told: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # how far running jobs are, by key
    targets: tuple[str, ...] = ()  # how far levels with a target are from it
    labelled: Moments = field(default_factory=dict)  # when labels of engines were stored

    @property
    def counts(self) -> Counter[State]:
        return self.status.counts()

    @property
    def remarks(self) -> list[str]:
        """What the campaign cannot have, lacks, or has stopped with, and why."""
        plan = self.status.plan
        return [
            *(one.text() for one in plan.faulty),
            *(f"{gap.system} has no {gap.model}: {gap.why}" for gap in plan.gaps),
            *(one.text({}) for one in plan.lacking),
            *(one.text(plan.campaign) for one in plan.stopped),
            *self.targets,
        ]


@dataclass
class Snapshots:
    """Those of all campaigns of a farm."""

    farm: Farm
    _campaigns: dict[str, Kept[Snapshot]] = field(default_factory=dict)
    # of what is done, which stays so: wall times (s), and the numbers of workflows (0: it has none)
    _walls: dict[str, float] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._label_times = LabelTimes(self.farm)
        self._overview = Kept(lambda: overview(self.farm))

    def names(self) -> list[str]:
        """All campaigns, the newest submission first."""
        return list(self._overview.get())

    def of(self, name: str) -> Snapshot:
        """That of one campaign.

        Raises:
            KeyError: there is no such campaign.
        """
        if name not in self._overview.get():
            self._overview.is_out_of_date()  # it may have been submitted since
            if name not in self._overview.get():
                raise KeyError(name)
        with self._lock:
            kept = self._campaigns.setdefault(name, Kept(partial(self._take, name)))
        return kept.get()

    def all(self) -> list[Snapshot]:
        """Those of all campaigns."""
        return [self.of(name) for name in self.names()]

    def plan(self, name: str) -> Plan:
        """What a campaign asks for, as it was last planned."""
        return self.of(name).status.plan

    def changed(self, name: str) -> None:
        """Somebody steered this campaign: it is looked at anew."""
        self._overview.is_out_of_date()
        with self._lock:
            kept = self._campaigns.get(name)
        if kept is not None:
            kept.is_out_of_date()

    def _take(self, name: str) -> Snapshot:
        status = self._status(name)
        failed = tuple(failed_work(self.farm, status))
        about = self._overview.get().get(name, {})
        held, written = tuple(about.get("held", ())), tuple(notes(self.farm, name))
        told, targets = bulletins(self.farm, [work.key for work in status.of(State.RUNNING)]), self._targets(status.plan)
        shown = (told, targets, list(status.states.items()), len(status.stored), [one.text for one in failed], status.plan.gaps, held, written)
        version = hashlib.sha256(repr(shown).encode()).hexdigest()[:16]
        hours, left = self._hours(status)
        return Snapshot(name, datetime.now(UTC), status, self._numbers_of(status), failed, hours, left, held, written, about.get("submitted_at"), version, told, targets, self._label_times.of(status))

    def _targets(self, plan: Plan) -> tuple[str, ...]:
        if not plan.of_stage("forecast"):
            return ()
        return tuple(targets(self.farm, resolved_spec(self.farm, plan.campaign), plan))

    def _status(self, name: str) -> Status:
        """By the plan that is kept. It is planned anew, at most for a tenth of the time, only where other code has planned,
        labels have a story of their own, or such as failed are to be named."""
        plan = kept_plan(self.farm, name)
        found = None if plan is None else status_of(self.farm, plan)
        if found is None or any(work.parts for work in found.of(State.FAILED)):
            return status_of(self.farm, planned(self.farm, resolved_spec(self.farm, name)))
        return found

    def _numbers_of(self, status: Status) -> dict[str, int]:
        done = {work.key for work in status.of(State.DONE)}
        new = done - self._numbers.keys()
        found = queued(self.farm, new)
        self._numbers |= {key: found[key].fw_id if key in found else 0 for key in new}
        return {key: self._numbers[key] for key in done} | {key: one.fw_id for key, one in status.queued.items()}

    def _hours(self, status: Status) -> tuple[float, Left]:
        """What is stored has taken, and what is left may take: only what is new is asked for."""
        done = {work.key: work for work in status.of(State.DONE)}
        self._walls |= wall_times_s(self.farm, done.keys() - self._walls.keys())
        pace = Pace()
        for key, work in done.items():
            if key in self._walls:
                pace.add(work, self._walls[key] or UNMEASURED_S)
        works = [work for key, work in status.plan.work.items() if status.states[key] not in ENDED]
        return sum(self._walls.get(key, 0.0) for key in done) / 3600, pace.left(works)
