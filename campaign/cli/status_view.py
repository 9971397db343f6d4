"""What `latticefarm status` shows, and how a command finds a campaign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from campaign.cli.plan_view import by_path_lines, gap_lines, lacking_lines, say_left, stopped_lines
from campaign.planning.plan import Plan
from campaign.records.campaigns import campaign_names, holds, resolved_spec
from campaign.records.forecasts import targets
from campaign.records.outputs import label_sources
from campaign.records.plans import kept_plan
from campaign.results.failed import FailedWork, failed_work
from campaign.results.instabilities import instabilities
from campaign.steering.holds import say as say_selection
from campaign.steering.progress import as_facts as work_facts
from campaign.steering.progress import counting, duration, labels, matrix, summary
from campaign.steering.status import State, Status, status_of
from campaign.steering.submit import planned as plan_of
from campaign.steering.time_left import left
from launchers.machines.overview import overview
from launchers.queue.endings import say
from launchers.queue.launchpad import Fizzled, fizzled
from launchers.workers.in_hand import SILENT, InHand, in_hand, nobody_works, unanswered

if TYPE_CHECKING:
    from rich.console import RenderableType

    from campaign.spec import ResolvedSpec
    from launchers.farm import Farm

FAILURES_SHOWN = 3  # of one job: `results failures` has all


def names(farm: Farm, wanted: str | None) -> list[str]:
    """The campaigns of the database, or the one that is wanted.

    Raises:
        UsageError: it is not there; the message names the nearest.
    """
    from campaign.cli.errors import UsageError
    from campaign.spec.errors import nearest

    known = campaign_names(farm)
    if wanted is None:
        return known
    if wanted not in known:
        raise UsageError(f"no campaign {wanted!r} in the database; {nearest(wanted, known)}")
    return [wanted]


def pause_note(farm: Farm, name: str) -> str:
    """What to do about a campaign of which something is paused; empty if nothing is."""
    held = holds(farm, name)
    if not held:
        return ""
    parts = "" if {} in held else f" ({'; '.join(map(say_selection, held))})"
    return f"{name} is paused{parts}: what waits is not released before `latticefarm resume {name}`"


def planned(farm: Farm, name: str) -> Plan:
    """The plan of a campaign as the database knows it; its work may be without tasks."""
    return kept_plan(farm, name) or plan_of(farm, resolved_spec(farm, name))


def _status(farm: Farm, spec: ResolvedSpec) -> Status:
    """How far a campaign is; where labels failed, with what a plan that was kept does not tell: which structures they are."""
    found = status_of(farm, planned(farm, spec.campaign))
    unnamed = not found.plan.requests and any(work.parts for work in found.of(State.FAILED))
    return status_of(farm, plan_of(farm, spec)) if unnamed else found


def render(farm: Farm, name: str) -> Iterator[RenderableType]:
    """The matrix, one line that sums up, what stopped, failed or is unstable, each with its reason."""
    from rich.markup import escape

    spec = resolved_spec(farm, name)
    found = _status(farm, spec)
    yield matrix(found, f"campaign {name}")
    yield summary(found.counts()) + say_left(left(farm, found, slots=1))
    if note := pause_note(farm, name):
        yield f"[yellow]{note}[/]"
    yield from (f"[bold red]faulty:[/] {escape(one.text())}" for one in found.plan.faulty)
    yield from lacking_lines(found.plan, sources(farm, found.plan))
    yield from by_path_lines(found.plan)
    yield from gap_lines(found.plan.gaps)
    yield from stopped_lines(found.plan)
    yield from (escape(one) for one in targets(farm, spec, found.plan))
    yield from unstable_lines(farm, spec, found)
    yield from (escape(one) for one in hands(farm, found))
    yield from _failure_lines(name, failed_work(farm, found))
    blocked = len(found.of(State.BLOCKED))
    if blocked:
        yield f"{counting(blocked, 'job')} blocked by what failed; `latticefarm retry {name}` runs that again"


def unstable_lines(farm: Farm, spec: ResolvedSpec, found: Status) -> Iterator[str]:
    """The models and levels that are unstable."""
    from rich.markup import escape

    yield from (f"[bold red]unstable:[/] {escape(one.text())}" for one in instabilities(farm, spec, found))


def _failure_lines(name: str, failed: list[FailedWork]) -> Iterator[str]:
    """Each failure with its reason, of a job that failed for many labels the first ones; and where to look."""
    from rich.markup import escape

    for key in dict.fromkeys(one.work.key for one in failed):
        of_it = [one for one in failed if one.work.key == key]
        for one in of_it[:FAILURES_SHOWN]:
            advice = f" ({one.record.advice})" if one.record.advice else ""
            yield f"[red]failed[/] {escape(one.text + advice)}"
        if len(of_it) > FAILURES_SHOWN:
            more = counting(len(of_it) - FAILURES_SHOWN, "label")
            yield f"[red]failed[/] {more} more of that job: latticefarm results {name} failures"
        yield f"  lpad get_fws -i {of_it[0].fw_id} -d all; run directory {of_it[0].run_directory}"


def sources(farm: Farm, plan: Plan) -> dict[str, str]:
    """File and frame of the structures that lack a label, by the key of a label that they have."""
    labels = [lack.label for one in plan.lacking for lack in one.structures if lack.label is not None]
    return label_sources(farm, labels) if labels else {}


def hands(farm: Farm, found: Status) -> Iterator[str]:
    """For each host: how much it has in hand, and each piece of work whose process does not answer."""
    held = in_hand(farm, found.queued.values())
    for host in sorted({one.host for one in held}):
        there = [one for one in held if one.host == host]
        since = min((one.began for one in there if one.began), default=None)
        yield f"running on {host}: {counting(len(there), 'job')}, since {say(since)}"
        for one in there:
            if one.answers is False:
                title = found.plan.work[one.key].title
                process = "" if one.process is None else f", process {one.process}"
                yield f"  {title} on {host}{process}, since {say(one.began)}: {_silence(one)}"


def farm_lines(farm: Farm) -> Iterator[str]:
    """The allocations that wait or run, a line for each site, class, state and reason of the scheduler; and what nobody
    would look at otherwise: that nobody works, and finished work that cannot be delivered."""
    from rich.markup import escape

    from campaign.cli.examination import DAMAGED
    from launchers.workers.spool import set_aside

    allocations = overview(farm)
    yield from allocations.lines()
    ready = farm.launchpad.fireworks.count_documents({"state": "READY"})
    if ready and not allocations.found and nobody_works(farm):
        yield f"no worker is heard of, and {counting(ready, 'job')} ready: `latticefarm work` on this machine, or `latticefarm launch` on a cluster"
    for path, written in set_aside():
        yield escape(f"finished work is damaged: {path}, written {say(datetime.fromtimestamp(written, UTC))}; {DAMAGED}")


def allocation_facts(farm: Farm) -> list[dict[str, Any]]:
    """The same, for JSON."""
    return [one.as_facts() for one in overview(farm).found]


def elsewhere(farm: Farm, found: Status) -> str:
    """What other machines have in hand: `1 job on node7, silent for 3.0 h (...)`; empty if they have nothing."""
    held = [one for one in in_hand(farm, found.queued.values()) if not one.here]
    parts = []
    for host in sorted({one.host for one in held}):
        there = [one for one in held if one.host == host]
        silent = next((f", {_silence(one)}" for one in there if one.answers is False), "")
        parts.append(f"{counting(len(there), 'job')} on {host}{silent}")
    return "; ".join(parts)


def silent_lines(farm: Farm) -> Iterator[str]:
    """What workers that were to go on until all is done have not waited for."""
    for host, count in sorted(unanswered(farm).items()):
        yield (
            f"not waited for: {counting(count, 'job')} on {host}, silent for {duration(SILENT.total_seconds())} or more; if that "
            f"machine is gone, `latticefarm rescue {host}` puts its work back"
        )


def _silence(one: InHand) -> str:
    if one.here:
        return "its process is gone; the next worker on this machine puts it back"
    ago = duration((datetime.now(UTC) - one.heard).total_seconds()) if one.heard else "ever"
    if one.beats:
        return f"silent for {ago}; any worker of this database puts its work back"
    return f"silent for {ago}; if that machine is gone, `latticefarm rescue {one.host}` puts its work back"


def failures(farm: Farm, found: Status) -> list[Fizzled]:
    """The failed work of a campaign, with reasons."""
    return fizzled(farm, [found.queued[work.key] for work in found.of(State.FAILED) if work.key in found.queued])


def as_facts(farm: Farm, name: str) -> dict[str, Any]:
    """Everything, for JSON."""
    spec = resolved_spec(farm, name)
    found = _status(farm, spec)
    what = {(one.fw_id, one.record.label_key): one.what for one in failed_work(farm, found)}
    where = sources(farm, found.plan)
    return {
        "counts": {str(state): number for state, number in found.counts().items()},
        "label_counts": {str(state): number for state, number in labels(found).items()},
        "work": work_facts(found),
        "running": [one.as_facts() for one in in_hand(farm, found.queued.values())],
        "gaps": [gap._asdict() for gap in found.plan.gaps],
        "lacking": [one.as_facts(where) for one in found.plan.lacking],
        "faulty": [one.as_facts() for one in found.plan.faulty],
        "by_path": [one.as_facts() for one in found.plan.by_path],
        "stopped": [one.as_facts() for one in found.plan.stopped],
        "unstable": [one.as_facts() for one in instabilities(farm, spec, found)],
        "failures": [
            {
                "key": one.key,
                "fw_id": one.fw_id,
                "run_directory": one.launch_directory,
                **one.failure,
                "parts": [{**part, "what": what.get((one.fw_id, part.get("label_key")))} for part in one.parts],
                "attempts": one.attempts,
            }
            for one in failures(farm, found)
        ],
    }
