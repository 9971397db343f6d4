"""The matrix of a campaign as a page shows it: a system folds, a row is model and size, a cell is the stages of a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from campaign.planning.work import Work, shown
from campaign.steering.progress import counted
from campaign.steering.status import State, Status

FILTERS = ("system", "model", "stage", "seed", "size", "state")
DRAWN = 1500  # pieces of work: of more, only a system that is asked for is drawn, and of that its first seeds
FOLDED = 3  # more systems than these begin folded
MANY = 12  # more pieces than these in one cell are folded


@dataclass(frozen=True)
class Piece:
    """One stage in a cell: its state, how many of its labels are there, the number of its workflow (0: it has none)."""

    stage: str
    state: State
    share: str
    fw_id: int
    title: str


@dataclass(frozen=True)
class Row:
    """One model and size; `cells` are by seed, that of work without a seed under None."""

    model: str
    size: str
    cells: Mapping[int | None, list[Piece]]

    def folded(self, seed: int | None) -> Counter[State]:
        """Of a cell that is folded, how many pieces are in each state; empty of others."""
        pieces = self.cells.get(seed, [])
        return Counter(one.state for one in pieces) if len(pieces) > MANY else Counter()


@dataclass(frozen=True)
class SystemPart:
    """One system: how many pieces are in each state, and its rows; `open` says that it begins unfolded, `drawn` that
    rows are shown, `cut` how many seeds are not."""

    name: str
    counts: Counter[State]
    seeds: list[int | None]
    rows: list[Row]
    open: bool
    drawn: bool
    cut: int = 0


def filtered(status: Status, wanted: Mapping[str, str]) -> list[Work]:
    """The work whose fields, as text, have the values that are wanted."""
    return [
        work
        for key, work in status.plan.work.items()
        if all(str(status.states[key] if name == "state" else getattr(work, name)) == value for name, value in wanted.items())
    ]


def choices(status: Status) -> dict[str, list[str]]:
    """What each filter may be, in the order of the plan."""
    works = list(status.plan.work.values())
    found = {name: list(dict.fromkeys(str(getattr(work, name)) for work in works)) for name in FILTERS if name != "state"}
    found["seed"] = [one for one in found["seed"] if one != "None"]
    found["size"] = [one for one in found["size"] if one]
    return {**found, "state": [str(state) for state in State if state in status.counts()]}


def systems(status: Status, numbers: Mapping[str, int], works: Iterable[Work]) -> list[SystemPart]:
    """The matrix of `works`; `numbers` are those of their workflows."""
    groups: dict[str, list[Work]] = {}
    for work in works:
        groups.setdefault(work.system, []).append(work)
    all_of_them = sum(map(len, groups.values())) <= DRAWN or len(groups) == 1
    found = []
    for name, group in groups.items():
        counts = Counter(status.states[work.key] for work in group)
        seeds = sorted({work.seed for work in group}, key=lambda seed: (seed is not None, seed or 0))
        first = seeds[: max(1, DRAWN * len(seeds) // max(DRAWN, len(group)))] if all_of_them else seeds
        rows = _rows(status, numbers, [work for work in group if work.seed in first]) if all_of_them else []
        found.append(SystemPart(name, counts, first, rows, len(groups) <= FOLDED, all_of_them, len(seeds) - len(first)))
    return found


def _rows(status: Status, numbers: Mapping[str, int], works: list[Work]) -> list[Row]:
    rows: dict[tuple[str, str], dict[int | None, list[Piece]]] = {}
    for work in works:
        share = f"{counted(status, work)[State.DONE]}/{len(work.parts)}" if work.parts else ""
        piece = Piece(work.stage, status.states[work.key], share, numbers.get(work.key, 0), work.title)
        rows.setdefault((work.model, work.size), {}).setdefault(work.seed, []).append(piece)
    return [Row(shown(model), size, cells) for (model, size), cells in rows.items()]
