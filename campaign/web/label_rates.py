"""Labels per hour against time, as panels: from the times at which the labels of engines were stored, one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from campaign.planning.work import Work
from campaign.records.outputs import Moment, label_moments
from campaign.steering.status import State, Status
from campaign.web.curves import LABELS, Line, Panel, Points
from launchers.farm import Farm

PANELS = 4  # systems that are drawn at most
BINS, LABELS_A_BIN = 40, 3
HOUR_S = 3600.0

Moments = Mapping[str, Mapping[str, Sequence[Moment]]]


@dataclass
class LabelTimes:
    """When the labels of a farm were stored: each is asked for once."""

    farm: Farm
    _known: dict[str, Moment] = field(default_factory=dict)

    def of(self, status: Status) -> Moments:
        """By system and level, those that are there."""
        there = {key: work.system for work in status.plan.work.values() if work.parts for key in self._stored(status, work)}
        self._known |= label_moments(self.farm, there.keys() - self._known.keys())
        found: dict[str, dict[str, list[Moment]]] = {}
        for key, system in there.items():
            if key in self._known:
                found.setdefault(system, {}).setdefault(self._known[key].level, []).append(self._known[key])
        return found

    @staticmethod
    def _stored(status: Status, work: Work) -> Iterable[str]:
        return work.parts if status.states[work.key] is State.DONE else status.stored & set(work.parts)


def label_panels(status: Status, moments: Moments, works: Iterable[Work], now_s: float) -> tuple[list[Panel], int]:
    """Those of the systems of which labelling is among `works`, and how many more there would be; `now_s`: Unix time."""
    asked = dict.fromkeys(work.system for work in works if work.parts and work.system in moments)
    running = {work.system for work in status.of(State.RUNNING) if work.parts}
    panels = [one for system in asked if (one := _panel(system, moments[system], now_s if system in running else None))]
    return panels[:PANELS], max(0, len(panels) - PANELS)


def _panel(system: str, by_level: Mapping[str, Sequence[Moment]], now_s: float | None) -> Panel | None:
    every = [one for moments in by_level.values() for one in moments]
    begin = min(one.at_s - one.took_s for one in every)
    end = max([one.at_s for one in every] + ([] if now_s is None else [now_s]))
    if end <= begin:
        return None
    bins = min(BINS, max(1, max(map(len, by_level.values())) // LABELS_A_BIN))
    lines = (_line(level, rates([one.at_s for one in moments], begin, end, bins), len(moments), now_s) for level, moments in by_level.items())
    return Panel(f"labels of {system}", LABELS, tuple(lines))


def _line(level: str, points: Points, count: int, now_s: float | None) -> Line:
    when = "in the end" if now_s is None else "now"
    return Line(level, now_s is not None, points, f"{level}: {count} label{'' if count == 1 else 's'}, {points[-1][1]:.3g} per hour {when}")


def rates(stored_s: Iterable[float], begin_s: float, end_s: float, bins: int) -> Points:
    """Hours since `begin_s` at the middle of each of `bins` equal times until `end_s`, and labels per hour in it."""
    width = (end_s - begin_s) / bins
    counts = [0] * bins
    for one in stored_s:
        counts[min(bins - 1, max(0, int((one - begin_s) / width)))] += 1
    return tuple(((number + 0.5) * width / HOUR_S, count * HOUR_S / width) for number, count in enumerate(counts))
