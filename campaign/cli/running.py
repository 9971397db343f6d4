"""The one-machine run: submit, work, show progress, end with the tables."""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from campaign.cli.printing import console, hint, show
from campaign.steering.progress import counting, duration, matrix, summary
from campaign.steering.status import ENDED, State, Status, status_of
from campaign.steering.submit import planned
from campaign.steering.time_left import left
from launchers.farm import Farm
from launchers.machines.capacities import known, of_slots, unfit
from launchers.machines.hardware import hardware
from launchers.machines.slots import Slot
from launchers.machines.slots import slots as slots_of
from launchers.queue.patience import patiently
from launchers.workers.node import Node, NodeSettings, run_root
from launchers.workers.settings import WorkerSettings

if TYPE_CHECKING:
    from campaign.planning.plan import Plan
    from campaign.spec import LoadedSpec, ResolvedSpec

REFRESH_S = 2.0
PATIENCE_S = 5.0  # one machine: what is silent for longer is dead


def run_campaign(loaded: LoadedSpec, slots: int | None, report: bool) -> int:
    """Bring a campaign to its end on this machine; 0 if all of it was done, 1 if work failed, 130 if stopped.

    With `report`, its page is written where there is none of what is asked for and done now.
    """
    from campaign.cli.connect import open_farm
    from campaign.cli.errors import UsageError
    from campaign.cli.plan_view import losses, remarks
    from campaign.cli.status_view import pause_note, sources
    from campaign.records.labels import stored
    from campaign.steering.submit import submit

    name = loaded.resolved.campaign
    farm = open_farm(start=True)
    show(f"campaign {name}: reading labels, queueing work")
    plan = submit(farm, loaded).status.plan
    label_sets = stored(farm, loaded.resolved)
    show(*remarks(loaded, label_sets), *losses(plan, label_sets, sources(farm, plan)))
    asked = Asked(farm, loaded.resolved, plan)
    found = asked.status()
    if found.idle and not found.of_all(ENDED):
        raise UsageError(f"{pause_note(farm, name) or f'{name} is paused: `latticefarm resume {name}`'}; then run it again")
    if found.idle:
        show(f"nothing to do: {summary(found.counts())}")
    else:
        stopped = _work(asked, slots_of(hardware(), slots))
        found = patiently(asked.status, meanwhile=_revive)
        if stopped:
            show(f"stopped: {summary(found.counts())}; {_after_stop(farm, found)}")
            hint("the same command again goes on")
            return 130
    code = _conclude(asked, found)
    if report and found.of(State.DONE):
        _report(farm, name)
    return code


def _after_stop(farm: Farm, found: Status) -> str:
    """What became of the work in hand; what another host has is not ours to put back."""
    from campaign.cli.status_view import elsewhere

    others = elsewhere(farm, found)
    if not others:
        return "what was in hand is back in the queue"
    return f"what was in hand here is back in the queue; still running: {others}"


def _report(farm: Farm, name: str) -> None:
    from campaign.report.write import INDEX, is_current, write_report
    from campaign.results import open_campaign

    campaign, directory = open_campaign(farm, name), Path(f"{name}-report")
    if not is_current(campaign, directory):
        show("writing the report")
        write_report(campaign, directory)
    show(f"the report: {directory / INDEX}")


@dataclass
class Asked:
    """What a campaign asks for; its plan grows with what is known, where engines label its structures or find Born charges."""

    farm: Farm
    spec: ResolvedSpec
    plan: Plan
    _counts: Counter[State] = field(default_factory=Counter)

    def status(self) -> Status:
        """How far it is now."""
        found = status_of(self.farm, self.plan)
        if found.counts() != self._counts and any(one.labelled_by_engines or one.born is not None for one in self.spec.systems.values()):
            self.plan = planned(self.farm, self.spec)
            found = status_of(self.farm, self.plan)
        self._counts = found.counts()
        return found


def _work(asked: Asked, slots: list[Slot]) -> bool:
    """Work until nothing can go on; True if the user stopped it first."""
    from campaign.steering.seal import ADVANCE

    settings = WorkerSettings(run_root(), patience_s=PATIENCE_S, then=ADVANCE, asker=asked.spec.campaign)
    node = Node(NodeSettings(slots, settings))
    view = View(asked, len(slots))
    show(f"{len(slots)} workers, each with a log in {settings.run_root}")
    show(*unfit(asked.farm, [*known(asked.farm), *of_slots(slots)]))
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        node.start()
        with view.live():
            while not view.idle and node.poll():
                patiently(view.refresh, meanwhile=_revive)
                time.sleep(REFRESH_S if not view.idle else 0)
        return False
    except KeyboardInterrupt:
        show("stopping: workers put their jobs back (Ctrl-C again kills them)")
        return True
    finally:
        node.drain()
        node.wait()
        signal.signal(signal.SIGTERM, previous)


@dataclass
class View:
    """Progress: a live matrix on a terminal, a line per change elsewhere."""

    asked: Asked
    slots: int
    started: float = field(default_factory=time.monotonic)
    found: Status | None = None
    _live: Any = None
    _said: tuple[Counter[State], str] = field(default_factory=lambda: (Counter(), ""))

    @property
    def idle(self) -> bool:
        return self.found is not None and self.found.idle

    def live(self) -> AbstractContextManager[Any]:
        if not sys.stdout.isatty():
            return nullcontext()
        from rich.live import Live

        self._live = Live(console=console(), refresh_per_second=1, transient=True)
        return self._live

    def refresh(self) -> None:
        """Ask the database, and show what changed."""
        from campaign.cli.status_view import elsewhere

        self.found = self.asked.status()
        counts, others = self.found.counts(), elsewhere(self.asked.farm, self.found)
        if self._live is not None:
            from rich.console import Group

            self._live.update(Group(matrix(self.found, f"campaign {self.asked.plan.campaign}"), self._line(counts, others)))
        elif (counts, others) != self._said:
            show(self._line(counts, others))
        self._said = counts, others

    def _line(self, counts: Counter[State], others: str) -> str:
        spent = duration(time.monotonic() - self.started)
        running_there = f"; running elsewhere: {others}" if others else ""
        return f"[{spent}] {summary(counts)}{self._ahead()}{running_there}".replace("[", r"\[", 1)

    def _ahead(self) -> str:
        assert self.found is not None
        ahead = left(self.asked.farm, self.found, self.slots)
        if not ahead.seconds:
            return ""
        return f", {'roughly' if ahead.guessed else 'about'} {duration(ahead.seconds)} to go"


def _revive() -> None:
    """Start the private database again if it died; a given one comes back by itself."""
    from launchers.database import ladder

    with suppress(ladder.DatabaseError):
        ladder.start()


def _conclude(asked: Asked, found: Status) -> int:
    from campaign.cli.plan_view import gap_lines, stopped_lines
    from campaign.cli.status_view import unstable_lines

    name = asked.spec.campaign
    show(matrix(found, f"campaign {name}"))
    show(*gap_lines(found.plan.gaps), *stopped_lines(found.plan), *unstable_lines(asked.farm, asked.spec, found))
    failed = found.of(State.FAILED)
    if failed:
        lost = len({(gap.system, gap.model) for gap in found.plan.gaps})
        without = f", {lost} model{'' if lost == 1 else 's'} that cannot be had (gaps, above)" if lost else ""
        show(f"[bold red]{counting(len(failed), 'job')} failed[/], {len(found.of(State.BLOCKED))} blocked by them{without}")
        hint(f"latticefarm results {name} failures")
        return 1
    if not found.of_all(ENDED):
        show(f"{counting(len(found.of(State.PAUSED)), 'job')} paused, {len(found.of(State.WAITING))} waiting for them")
        hint(f"latticefarm resume {name}")
        return 1
    hint(f"latticefarm results {name} training, latticefarm results {name} phonons")
    return 0
