"""The state of a campaign as a matrix: system x model x size by stage, over seeds and structures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from campaign.planning.stages import STAGES
from campaign.planning.work import Work, shown
from campaign.steering.status import State, Status

if TYPE_CHECKING:
    from rich.table import Table

STYLES = {
    State.DONE: "green",
    State.RUNNING: "cyan",
    State.FAILED: "bold red",
    State.BLOCKED: "red",
    State.PAUSED: "yellow",
}


@dataclass(frozen=True)
class Row:
    """One line of the matrix: how many jobs, or labels, are in each state, for each stage."""

    system: str
    model: str
    size: str
    stages: dict[str, Counter[State]]


def rows(status: Status) -> list[Row]:
    """The matrix, in the order of the plan."""
    found: dict[tuple[str, str, str], Row] = {}
    for work in status.plan.work.values():
        place = (work.system, work.model, work.size)
        row = found.setdefault(place, Row(*place, stages={}))
        row.stages.setdefault(work.stage, Counter()).update(counted(status, work))
    return list(found.values())


def counted(status: Status, work: Work) -> Counter[State]:
    """The state of a job; of labelling those of its labels, of which each is there as soon as it is computed."""
    state = status.states[work.key]
    if not work.parts:
        return Counter([state])
    there = len(work.parts) if state is State.DONE else sum(part in status.stored for part in work.parts)
    return Counter({State.DONE: there}) + Counter({state: len(work.parts) - there})


def labels(status: Status) -> Counter[State]:
    """The states of all labels that engines compute."""
    return sum((counted(status, work) for work in status.plan.work.values() if work.parts), Counter())


def matrix(status: Status, title: str) -> Table:
    """The matrix as a table for the terminal."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    found = rows(status)
    stages = [stage for stage in STAGES if any(stage in row.stages for row in found)]
    for name in ("system", "model", "size", *stages):
        table.add_column(name)
    for row in found:
        cells = [cell(row.stages.get(stage, Counter()), "label" if stage == "label" else "job") for stage in stages]
        table.add_row(row.system, shown(row.model), row.size, *cells)
    return table


def cell(counts: Counter[State], unit: str) -> str:
    """`2 of 5 jobs, 1 running`, `12 of 40 labels`: what is done of all, and the rest by state."""
    if not counts:
        return "·"
    done, every = counts[State.DONE], sum(counts.values())
    share = f"{done} of {counting(every, unit)}"
    text = [_styled(share, State.DONE) if done == every else share]
    text += [
        _styled(f"{number} {state}", state) for state, number in sorted(counts.items()) if state is not State.DONE
    ]
    return ", ".join(text)


def _styled(text: str, state: State) -> str:
    return f"[{STYLES[state]}]{text}[/]" if state in STYLES else text


def summary(counts: Counter[State]) -> str:
    """One line: `12 of 40 jobs done, 2 running, 1 failed`; a job may compute several labels, which the matrix counts."""
    every = sum(counts.values())
    rest = [f"{counts[state]} {state}" for state in State if counts[state] and state is not State.DONE]
    return ", ".join([f"{counts[State.DONE]} of {counting(every, 'job')} done", *rest])


def counting(number: int, unit: str) -> str:
    """`1 job`, `3 labels`."""
    return f"{number} {unit}{'' if number == 1 else 's'}"


def as_facts(status: Status) -> list[dict[str, Any]]:
    """The state of every piece of work, for JSON."""
    return [
        {
            "key": key,
            "stage": work.stage,
            "system": work.system,
            "model": work.model,
            "seed": work.seed,
            "size": work.size,
            "state": str(status.states[key]),
            **_labels_of(status, work),
            "fw_id": status.queued[key].fw_id if key in status.queued else None,
        }
        for key, work in status.plan.work.items()
    ]


def _labels_of(status: Status, work: Work) -> dict[str, int]:
    return {"labels": len(work.parts), "labels_done": counted(status, work)[State.DONE]} if work.parts else {}


def matching(work: Iterable[Work], **wanted: Any) -> list[Work]:
    """Those of `work` whose fields have the values `wanted` (None: any)."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    return [one for one in work if all(getattr(one, name) == value for name, value in asked.items())]


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.4 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
