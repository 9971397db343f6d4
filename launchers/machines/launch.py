"""One pass: as many allocations as the ready work of each class justifies, within every limit, less those that live.

It may be called by cron, from several machines, and be killed at any moment: one at a time passes, each allocation is
claimed in the database before it is submitted, and is found again by its name.
"""

from __future__ import annotations

import hashlib
import math
import socket
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from launchers.farm import Farm
from launchers.machines import allocations
from launchers.machines.allocations import Allocation
from launchers.machines.answers import State, Unanswered
from launchers.machines.capacities import keep_classes
from launchers.machines.need import Purse, parts, ready
from launchers.machines.owner import Owner, who
from launchers.machines.scheduler import SCHEDULERS
from launchers.machines.script import Task, script, work_arguments
from launchers.machines.site import ResourceClass, Site
from launchers.machines.submission import Refused, remove, remove_uri, submit, write_script
from launchers.queue.lease import Lease, sole


@dataclass(frozen=True)
class Order:
    """What a pass is told.

    `program` is the command that works in an allocation, `variables` and `uri` are how it finds the database, `home` is
    where scripts and logs go. With `campaign`, its work alone counts; `limits` is what each
    campaign may spend, in core hours.
    """

    name: str
    site: Site
    program: tuple[str, ...]
    home: Path
    variables: Mapping[str, str]
    uri: str | None = None
    classes: tuple[str, ...] = ()
    campaign: str | None = None
    limits: Mapping[str, float] = field(default_factory=dict)

    def task(self, kind: str, name: str) -> Task:
        """What an allocation of that name and class does."""
        folder = self.home / "allocations" / name
        variables = {**self.variables, "LATTICEFARM_ALLOCATION_NAME": name}
        if self.uri is not None:
            variables["LATTICEFARM_MONGO_URI_FILE"] = str(folder / "mongo_uri")
        return Task(name, folder, (*self.program, *work_arguments(self.site, self.site.classes[kind], kind)), variables)

    def script(self, kind: str, name: str) -> str:
        """Its script."""
        return script(self.site, self.site.classes[kind], self.task(kind, name))


@dataclass
class Outcome:
    """What a pass did for one class: `ready` jobs, allocations that `live`, those `submitted`, and why no more.

    `too_long` more jobs are ready that do not fit into the walltime.
    `failed`: the scheduler refused, or did not answer.
    """

    site: str
    kind: str
    ready: int
    slots: int
    live: Counter[str]
    wanted: int
    too_long: int = 0
    submitted: list[str] = field(default_factory=list)
    failed: bool = False
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        """One line."""
        alive = ", ".join(f"{number} {state}" for state, number in sorted(self.live.items()))
        too_long = [f"{self.too_long} more take longer than its walltime"] if self.too_long else []
        if not self.ready and not alive:
            return f"{self.site} {self.kind}: {'; '.join(['nothing is ready', *too_long])}"
        parts = [f"{self.ready} job{'' if self.ready == 1 else 's'} ready, {self.slots} slots an allocation", *too_long]
        parts += [alive] if alive else []
        parts += [f"submitted {len(self.submitted)} ({', '.join(self.submitted)})"] if self.submitted else []
        parts += self.notes or ([] if self.submitted else ["no more are needed"])
        return f"{self.site} {self.kind}: {'; '.join(parts)}"


TRIES = 3
REST_S = 3600.0
ROUNDING = 1e-9  # hours: tenths add up to a little more than one
BUSY = "another `latticefarm launch` is at work on this site: it does what there is to do"


def launch(farm: Farm, order: Order) -> list[Outcome] | None:
    """One pass; None if another is at work.

    Raises:
        Unanswered: the scheduler did not answer: nothing was submitted.
        ScriptError: a script cannot be written.
    """
    with sole(farm, f"launch {order.name}") as lease:
        if lease is None:
            return None
        owner = who(order.site.scheduler)
        return Pass(farm, order, owner, look(farm, order, owner), lease).run()


def count(farm: Farm, order: Order) -> list[Outcome]:
    """What a pass would do; nothing is submitted, nothing written.

    Raises:
        Unanswered: the scheduler did not answer.
    """
    owner = who(order.site.scheduler)
    return Pass(farm, order, owner, look(farm, order, owner, write=False)).run()


def look(farm: Farm, order: Order, owner: Owner, *, write: bool = True) -> list[Allocation]:
    """All allocations of a site, those of `owner` as the scheduler has them now; with `write`, that is kept.

    Raises:
        Unanswered: the scheduler did not answer.
    """
    found = allocations.of_site(farm, order.site.scheduler, order.name)
    ours = [one for one in found if owner.has(one)]
    lived = {one.name: one.job_id for one in ours if one.is_live}
    jobs = SCHEDULERS[order.site.scheduler].jobs(lived)
    current = allocations.keep(farm, ours, jobs, time.time()) if write else allocations.as_seen(ours, jobs, time.time())
    for one in current if write else ():
        if one.name in lived and not one.is_live:
            remove_uri(Path(one.folder))
    return [*current, *(one for one in found if not owner.has(one))]


@dataclass
class Pass:
    """The classes of a site, one after the other; without a `lease` it only counts."""

    farm: Farm
    order: Order
    owner: Owner
    found: list[Allocation]
    lease: Lease | None = None
    purse: Purse = field(init=False)

    def __post_init__(self) -> None:
        self.purse = Purse(self.order.limits)
        for one in allocations.all_of(self.farm) if self.order.limits else ():
            self.purse.spend(one.asked_by, one.core_hours)

    def run(self) -> list[Outcome]:
        classes = {kind: self.order.site.classes[kind] for kind in self.order.classes or self.order.site.classes}
        if self.lease is not None:
            keep_classes(self.farm, self.order.name, self.order.site)
        needs = ready(self.farm, classes)
        return [self._run(kind, *needs[kind]) for kind in classes]

    def _run(self, kind: str, work: list[frozenset[str]], too_long: int) -> Outcome:
        one = self.order.site.classes[kind]
        if self.order.campaign is not None:
            work = [askers & {self.order.campaign} for askers in work if self.order.campaign in askers]
        alive = [each for each in self.found if each.kind == kind and each.is_live and self.owner.has(each)]
        wanted = math.ceil(len(work) / one.all_slots)
        outcome = Outcome(self.order.name, kind, len(work), one.all_slots, Counter(each.state for each in alive), wanted, too_long)
        while len(alive) < wanted:
            open_work, closed = self.purse.open_work(work, one.core_hours)
            if len(alive) >= math.ceil(len(open_work) / one.all_slots):
                outcome.notes += [f"over budget: {self.purse.say(name)}, and an allocation takes {one.core_hours:.4g}" for name in sorted(closed)]
                break
            if why := self._limit(kind, one, len(alive)):
                outcome.notes.append(why)
                break
            new = self._new(kind, one, parts([askers - closed for askers in open_work]))
            if self.lease is not None and not self._submit(new, outcome):
                break
            alive.append(new)
            self.found.append(new)
            self.purse.spend(new.asked_by, new.core_hours)
        return outcome

    def _limit(self, kind: str, one: ResourceClass, alive: int) -> str:
        """What forbids another allocation; empty if nothing does."""
        if alive >= one.max_allocations:
            return f"at its limit of {one.max_allocations} allocation{'' if one.max_allocations == 1 else 's'} at once"
        hours = sum(each.node_hours for each in self.found if each.kind == kind)
        another = one.nodes * one.walltime / 3600
        if one.max_node_hours is not None and hours + another > one.max_node_hours + ROUNDING:
            return f"over budget: {hours:.4g} of its {one.max_node_hours:.4g} node hours are spent or promised, and an allocation takes {another:.4g}"
        if failing := self._failing(kind):
            return failing
        spent, most = sum(each.core_hours for each in self.found), self.order.site.max_core_hours
        if most is not None and spent + one.core_hours > most + ROUNDING:
            return f"over budget: {spent:.4g} of the {most:.4g} core hours of {self.order.name} are spent or promised, and an allocation takes {one.core_hours:.4g}"
        return ""

    def _failing(self, kind: str) -> str:
        """That the last ones failed at once, for an hour: each pass would ask for more like them."""
        last = [each for each in self.found if each.kind == kind and not each.is_live and each.state != allocations.VOID][-TRIES:]
        if len(last) < TRIES or not all(each.failed_at_once for each in last) or time.time() - (last[-1].ended or 0) > REST_S:
            return ""
        return f"the last {TRIES} failed within a minute: see {last[-1].folder}/allocation.log; the next is submitted an hour after"

    def _new(self, kind: str, one: ResourceClass, shares: Mapping[str, float]) -> Allocation:
        name = allocations.new_name()
        text = self.order.script(kind, name)
        return Allocation(
            name=name,
            scheduler=self.owner.scheduler,
            cluster=self.owner.cluster,
            user=self.owner.user,
            site=self.order.name,
            kind=kind,
            nodes=one.nodes,
            cores=one.all_cores,
            slots=one.all_slots,
            walltime_s=one.walltime,
            host=socket.gethostname(),
            folder=str(self.order.task(kind, name).folder),
            digest=hashlib.sha256(text.encode()).hexdigest(),
            asked_by=dict(shares),
            claimed=time.time(),
        )

    def _submit(self, new: Allocation, outcome: Outcome) -> bool:
        """Claim, then submit; False where the lease is lost, and with it the right to."""
        assert self.lease is not None
        if not self.lease.renew():
            outcome.notes.append(BUSY)
            return False
        path = write_script(Path(new.folder), self.order.script(new.kind, new.name), self.order.uri)
        allocations.claim(self.farm, new)
        if not allocations.move(self.farm, new.name, allocations.CLAIMED, allocations.SUBMITTING):
            outcome.notes.append(BUSY)
            return False
        try:
            job_id = submit(self.order.site, path)
        except (Refused, Unanswered) as error:
            outcome.failed = True
            outcome.notes.append(str(error))
            if isinstance(error, Refused):
                allocations.move(self.farm, new.name, allocations.SUBMITTING, allocations.VOID)
                remove(Path(new.folder))
            return False
        facts = {"job_id": job_id, "submitted": time.time()}
        if not allocations.move(self.farm, new.name, allocations.SUBMITTING, State.PENDING, **facts):
            # it took so long that another believed it lost
            SCHEDULERS[self.order.site.scheduler].withdraw(job_id)
            outcome.notes.append(BUSY)
            return False
        outcome.submitted.append(job_id)
        return True
