"""Labels to be computed, in jobs of a sensible length: those that are claimed, and what is still to be shared out.

A level begins with pilots, jobs of one structure each: what a structure costs, and whether the level can be computed at
all, is known from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import LabelRequests
from campaign.planning.pilots import StoppedLevel, Trial, stopped_level
from campaign.planning.work import Work
from campaign.spec import ResolvedSpec, ResolvedSystem
from flows.keys import digest
from flows.labelling.computed import label_version
from flows.labelling.engines.protocol import EngineSettings
from flows.labelling.engines.task import LabelItem, LabelTask

MOST = 200  # structures in one job: they travel in its document
LEAST_JOBS = 8  # of a system: or one worker has all, and the others nothing
SHORT_S = 30.0  # jobs are not made shorter than this for it


@dataclass
class Chunks:
    """The jobs that label a system by one engine."""

    spec: ResolvedSpec
    system: str
    engine: str
    asked: LabelRequests
    known: Knowledge
    mine: dict[str, tuple[str, str]] = field(init=False)
    trials: dict[str, Trial] = field(init=False)

    def __post_init__(self) -> None:
        levels = self.cells.levels
        self.mine = {
            key: place for key, place in self.asked.places.items() if levels[place[1]].engine == self.engine
        }
        self._holder = {label: chunk for chunk, labels in self.known.chunks.items() for label in labels}
        of_level: dict[str, list[str]] = {}
        for key, (_, level) in self.mine.items():
            of_level.setdefault(level, []).append(key)
        pilots = self.spec.labelling.pilots
        self.trials = {level: Trial.of(keys, self.known, self._holder, pilots) for level, keys in of_level.items()}

    @property
    def cells(self) -> ResolvedSystem:
        return self.spec.systems[self.system]

    def work(self) -> list[Work]:
        """Jobs that are claimed, then those to be claimed now, then those that stand for what waits for pilots, and for
        what is not begun as all pilots of its level have failed."""
        claimed = [self._work(keys, key) for key, keys in self._claimed().items()]
        left = self._unclaimed()
        going = self._by_structure(key for key in left if not self._trial(key).stopped)
        ready: list[tuple[str, ...]] = []
        untried: list[tuple[str, ...]] = []
        for keys in going:
            (ready if all(self._trial(key).succeeded for key in keys) else untried).append(keys)
        size = self._size(ready)
        shared_out = (self._work(_flat(ready[i : i + size])) for i in range(0, len(ready), size))
        return [*claimed, *shared_out, *self._tried(untried), *self._stopped()]

    def stopped(self) -> list[StoppedLevel]:
        """The levels of which labels are left that are not begun."""
        counts = Counter(self.mine[key][1] for key in self._unclaimed() if self._trial(key).stopped)
        return [stopped_level(self.system, level, self.trials[level], self.known, n) for level, n in counts.items()]

    def _tried(self, untried: list[tuple[str, ...]]) -> Iterator[Work]:
        """Pilots, as many as each level still lacks, and one job that waits for them and for those that are on their way."""
        lacking = {level: trial.lacking for level, trial in self.trials.items()}
        pilots, rest = [], []
        for keys in untried:
            levels = [self.mine[key][1] for key in keys]
            if any(lacking[level] > 0 for level in levels):
                pilots.append(self._work(keys))
                lacking |= {level: lacking[level] - 1 for level in levels}
            else:
                rest.append(keys)
        yield from pilots
        if rest:
            levels_left = {self.mine[key][1] for keys in rest for key in keys}
            awaited = (self._holder[key] for level in levels_left for key in self.trials[level].awaited)
            yield self._work(_flat(rest), needs=tuple(dict.fromkeys([*awaited, *(one.key for one in pilots)])))

    def _stopped(self) -> Iterator[Work]:
        """For each level whose pilots have failed, a job that stands for its other labels."""
        for one in self.stopped():
            keys = [key for key in self._unclaimed() if self.mine[key][1] == one.level]
            needs = dict.fromkeys(self._holder[key] for key in self.trials[one.level].failed)
            yield self._work(keys, needs=tuple(needs))

    def _trial(self, key: str) -> Trial:
        return self.trials[self.mine[key][1]]

    def _claimed(self) -> dict[str, tuple[str, ...]]:
        found = {key: tuple(label for label in labels if label in self.mine) for key, labels in self.known.chunks.items()}
        return {key: labels for key, labels in found.items() if labels}

    def _unclaimed(self) -> list[str]:
        return [key for key in self.mine if key not in self._holder and not self.known.settled(key)]

    def _by_structure(self, keys: Iterable[str]) -> list[tuple[str, ...]]:
        """The labels of one structure at a time, those with most levels first: they cost most."""
        found: dict[str, list[str]] = {}
        for key in keys:
            found.setdefault(self.mine[key][0], []).append(key)
        return sorted((tuple(labels) for labels in found.values()), key=len, reverse=True)

    def _size(self, structures: Sequence[Sequence[str]]) -> int:
        """How many of these structures, whose levels have been tried, make one job."""
        how = self.spec.labelling
        if how.structures_per_job is not None:
            return min(how.structures_per_job, MOST)
        cost = self._seconds({self.mine[key][1] for keys in structures for key in keys})
        fair = max(-(-len(structures) // LEAST_JOBS), int(SHORT_S / cost))
        return max(1, min(int(how.job_minutes * 60 / cost), fair, MOST))

    def _seconds(self, levels: Set[str]) -> float:
        """What a structure has cost at all these levels, on average."""
        spent: dict[str, list[float]] = {level: [] for level in levels}
        for key, (_, level) in self.mine.items():
            if level in levels and key in self.known.seconds:
                spent[level].append(self.known.seconds[key])
        return max(sum(sum(times) / len(times) for times in spent.values()), 1e-3)

    def _work(self, keys: Sequence[str], key: str | None = None, needs: tuple[str, ...] = ()) -> Work:
        key = key or digest("chunk", 1, labels=sorted(keys))
        items = tuple(self._items(keys))
        engine = self.cells.engines[self.engine]
        if not self.known.by_path.isdisjoint(keys):  # as it was claimed, no other key is in its job
            engine = engine.by_path() or engine
        levels = [level for level in self.cells.levels if any(self.mine[one][1] == level for one in keys)]
        versions = _versions(engine, map(self.cells.method, levels))
        return Work(
            key=key,
            stage="label",
            system=self.system,
            model=f"{', '.join(levels)} by {self.engine}",
            seed=None,
            size="",
            needs=needs,
            task=LabelTask(key=key, system=self.system, engine=engine, items=items, versions=versions),
            parts=tuple(keys),
            count=len(items),
        )

    def _items(self, keys: Sequence[str]) -> Iterator[LabelItem]:
        levels: dict[str, dict[str, bool]] = {}
        for structure, level in (self.mine[key] for key in keys):
            levels.setdefault(structure, {})[self.cells.method(level)] = self.cells.levels[level].forces
        for structure, of_it in levels.items():
            yield LabelItem(structure=self.asked.structures[structure], levels=of_it)


def _versions(engine: EngineSettings, levels: Iterable[str]) -> dict[str, int]:
    """Of levels whose labels are not those of the first version."""
    found = {level: label_version(engine, level) for level in levels}
    return {level: version for level, version in found.items() if version > 1}


def _flat(structures: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(key for keys in structures for key in keys)
