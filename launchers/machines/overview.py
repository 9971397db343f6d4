"""The allocations that wait or run, as the scheduler has them at this moment; nothing is written down."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from launchers.farm import Farm
from launchers.machines.allocations import Allocation, as_seen, live
from launchers.machines.answers import State, Unanswered
from launchers.machines.owner import who
from launchers.machines.scheduler import SCHEDULERS

TIMEOUT_S = 10.0  # somebody waits for it


@dataclass(frozen=True)
class Overview:
    """What lives; `silent` says of a scheduler why it is shown as it was last seen."""

    found: list[Allocation]
    silent: dict[str, str]

    def lines(self) -> list[str]:
        """A line for each site, class, state and reason."""
        groups: dict[tuple[str, ...], list[Allocation]] = {}
        for one in self.found:
            groups.setdefault((one.site, one.kind, one.state, one.reason), []).append(one)
        lines = [_line(members) for _, members in sorted(groups.items())]
        return lines + [f"allocations of {kind} as they were last seen: {why}" for kind, why in self.silent.items()]


def overview(farm: Farm) -> Overview:
    """The live allocations of all sites: ours asked for at their scheduler, others as they were last seen."""
    found, silent = live(farm), {}
    current: list[Allocation] = []
    for kind in dict.fromkeys(one.scheduler for one in found):
        these = [one for one in found if one.scheduler == kind]
        try:
            owner = who(kind, TIMEOUT_S)
            ours = [one for one in these if owner.has(one)]
            jobs = SCHEDULERS[kind].jobs({one.name: one.job_id for one in ours}, TIMEOUT_S)
            current += as_seen(ours, jobs, time.time())
        except Unanswered as error:
            ours = []
            silent[kind] = str(error)
        current += [one for one in these if one not in ours]
    return Overview([one for one in current if one.is_live], silent)


def _line(members: list[Allocation]) -> str:
    first = members[0]
    numbers = [one.job_id or one.name for one in members]
    named = ", ".join(numbers[:6]) + (f" and {len(numbers) - 6} more" if len(numbers) > 6 else "")
    if first.state == State.PENDING:
        return f"allocations of {first.site} {first.kind}: {len(members)} pending{f': {first.reason}' if first.reason else ''} ({named})"
    if first.state == State.RUNNING:
        ends = min(one.ends for one in members)
        until = f", the first ends at {datetime.fromtimestamp(ends):%Y-%m-%d %H:%M}" if ends else ""
        return f"allocations of {first.site} {first.kind}: {len(members)} running{until} ({named})"
    return f"allocations of {first.site} {first.kind}: {len(members)} being submitted ({named})"
