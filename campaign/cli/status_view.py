"""What `latticefarm status` shows, and how a command finds a campaign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from campaign.cli.plan_view import by_path_lines, gap_lines, lacking_lines, say_left
from campaign.planning.plan import Plan
from campaign.records.campaigns import campaign_names, holds, resolved_spec
from campaign.records.outputs import label_sources
from campaign.records.plans import kept_plan
from campaign.steering.holds import say as say_selection
from campaign.steering.progress import as_facts as work_facts
from campaign.steering.progress import duration, matrix, summary
from campaign.steering.status import State, Status, status_of
from campaign.steering.submit import planned as plan_of
from campaign.steering.time_left import left
from launchers.endings import say
from launchers.in_hand import InHand, in_hand
from launchers.launchpad import Fizzled, fizzled
from launchers.machines.overview import overview

if TYPE_CHECKING:
    from rich.console import RenderableType

    from launchers.farm import Farm


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


def render(farm: Farm, name: str) -> Iterator[RenderableType]:
    """The matrix, one line that sums up, and each failure with its reason."""
    from rich.markup import escape

    found = status_of(farm, planned(farm, name))
    yield matrix(found, f"campaign {name}")
    yield summary(found.counts()) + say_left(left(farm, found, slots=1))
    if note := pause_note(farm, name):
        yield f"[yellow]{note}[/]"
    yield from (f"[bold red]faulty:[/] {escape(one.text())}" for one in found.plan.faulty)
    yield from lacking_lines(found.plan, sources(farm, found.plan))
    yield from by_path_lines(found.plan)
    yield from gap_lines(found.plan.gaps)
    yield from (escape(one) for one in hands(farm, found))
    for failure in failures(farm, found):
        reason = failure.failure
        advice = f" ({reason['advice']})" if reason.get("advice") else ""
        yield f"[red]failed[/] {found.plan.work[failure.key].title}: {escape(reason['message'] + advice)}"
        yield f"  lpad get_fws -i {failure.fw_id} -d all; run directory {failure.launch_directory}"
    blocked = len(found.of(State.BLOCKED))
    if blocked:
        yield f"{blocked} blocked by what failed; `latticefarm retry {name}` runs it again"


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
        yield f"running on {host}: {len(there)}, since {say(since)}"
        for one in there:
            if one.answers is False:
                title = found.plan.work[one.key].title
                process = "" if one.process is None else f", process {one.process}"
                yield f"  {title} on {host}{process}, since {say(one.began)}: {_silence(one)}"


def allocation_lines(farm: Farm) -> list[str]:
    """The allocations that wait or run, a line for each site, class, state and reason of the scheduler."""
    return overview(farm).lines()


def allocation_facts(farm: Farm) -> list[dict[str, Any]]:
    """The same, for JSON."""
    return [one.as_facts() for one in overview(farm).found]


def elsewhere(farm: Farm, found: Status) -> str:
    """What other machines have in hand: `1 on node7, silent for 3.0 h (...)`; empty if they have nothing."""
    held = [one for one in in_hand(farm, found.queued.values()) if not one.here]
    parts = []
    for host in sorted({one.host for one in held}):
        there = [one for one in held if one.host == host]
        silent = next((f", {_silence(one)}" for one in there if one.answers is False), "")
        parts.append(f"{len(there)} on {host}{silent}")
    return "; ".join(parts)


def _silence(one: InHand) -> str:
    if one.here:
        return "its process is gone; the next worker on this machine puts it back"
    ago = duration((datetime.now(UTC) - one.heard).total_seconds()) if one.heard else "ever"
    return f"silent for {ago}; if that machine is gone, `latticefarm rescue {one.host}` puts its work back"


def failures(farm: Farm, found: Status) -> list[Fizzled]:
    """The failed work of a campaign, with reasons."""
    return fizzled(farm, [found.queued[work.key] for work in found.of(State.FAILED) if work.key in found.queued])


def as_facts(farm: Farm, name: str) -> dict[str, Any]:
    """Everything, for JSON."""
    found = status_of(farm, planned(farm, name))
    where = sources(farm, found.plan)
    return {
        "counts": {str(state): number for state, number in found.counts().items()},
        "work": work_facts(found),
        "running": [one.as_facts() for one in in_hand(farm, found.queued.values())],
        "gaps": [gap._asdict() for gap in found.plan.gaps],
        "lacking": [one.as_facts(where) for one in found.plan.lacking],
        "faulty": [one.as_facts() for one in found.plan.faulty],
        "by_path": [one.as_facts() for one in found.plan.by_path],
        "failures": [
            {
                "key": one.key,
                "fw_id": one.fw_id,
                "run_directory": one.launch_directory,
                **one.failure,
                "parts": one.parts,
                "attempts": one.attempts,
            }
            for one in failures(farm, found)
        ],
    }
