"""Labels to be computed, in jobs of a sensible length: those that are claimed, and what is still to be shared out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import LabelRequests
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

    def __post_init__(self) -> None:
        levels = self.cells.levels
        self.mine = {
            key: place for key, place in self.asked.places.items() if levels[place[1]].engine == self.engine
        }

    @property
    def cells(self) -> ResolvedSystem:
        return self.spec.systems[self.system]

    def work(self) -> list[Work]:
        """Jobs that are claimed, then those to be claimed now, then one that stands for what waits for a cost."""
        claimed = [self._work(keys, key) for key, keys in self._claimed().items()]
        left = list(self._by_structure(self._unclaimed()))
        if not left:
            return claimed
        size = self._size(len(left))
        if size is not None:
            return [*claimed, *(self._work(_flat(left[i : i + size])) for i in range(0, len(left), size))]
        # not those that are done: they have not measured a level that was added since
        measuring = tuple(one.key for one in claimed if not self.known.seconds.keys() >= set(one.parts))
        if measuring:
            return [*claimed, self._work(_flat(left), needs=measuring)]
        pilots = [self._work(keys) for keys in left[: self.spec.labelling.pilots]]
        rest = _flat(left[len(pilots) :])
        return [*pilots, self._work(rest, needs=tuple(one.key for one in pilots))] if rest else pilots

    def _claimed(self) -> dict[str, tuple[str, ...]]:
        found = {key: tuple(label for label in labels if label in self.mine) for key, labels in self.known.chunks.items()}
        return {key: labels for key, labels in found.items() if labels}

    def _unclaimed(self) -> list[str]:
        claimed = {label for labels in self.known.chunks.values() for label in labels}
        return [key for key in self.mine if key not in claimed and not self.known.settled(key)]

    def _by_structure(self, keys: Iterable[str]) -> list[tuple[str, ...]]:
        """The labels of one structure at a time, those with most levels first: they cost most."""
        found: dict[str, list[str]] = {}
        for key in keys:
            found.setdefault(self.mine[key][0], []).append(key)
        return sorted((tuple(labels) for labels in found.values()), key=len, reverse=True)

    def _size(self, structures: int) -> int | None:
        """Structures in one job; None as long as nobody knows what one costs."""
        how = self.spec.labelling
        if how.structures_per_job is not None:
            return min(how.structures_per_job, MOST)
        cost = self._seconds()
        if cost is None:
            return None
        fair = max(-(-structures // LEAST_JOBS), int(SHORT_S / cost))
        return max(1, min(int(how.job_minutes * 60 / cost), fair, MOST))

    def _seconds(self) -> float | None:
        """What a structure with all levels has cost, on average."""
        spent: dict[str, list[float]] = {level: [] for _, level in self.mine.values()}
        for key, (_, level) in self.mine.items():
            if key in self.known.seconds:
                spent[level].append(self.known.seconds[key])
        if not all(spent.values()):
            return None
        return max(sum(sum(times) / len(times) for times in spent.values()), 1e-3)

    def _work(self, keys: Sequence[str], key: str | None = None, needs: tuple[str, ...] = ()) -> Work:
        key = key or digest("chunk", 1, labels=sorted(keys))
        items = tuple(self._items(keys))
        engine = self.cells.engines[self.engine]
        if not self.known.by_path.isdisjoint(keys):  # as it was claimed, no other key is in its job
            engine = engine.by_path() or engine
        levels = [level for level in self.cells.levels if any(self.mine[one][1] == level for one in keys)]
        return Work(
            key=key,
            stage="label",
            system=self.system,
            model=f"{', '.join(levels)} by {self.engine}",
            seed=None,
            size="",
            needs=needs,
            task=LabelTask(key=key, system=self.system, engine=engine, items=items, versions=_versions(engine, levels)),
            parts=tuple(keys),
            count=len(items),
        )

    def _items(self, keys: Sequence[str]) -> Iterator[LabelItem]:
        levels: dict[str, dict[str, bool]] = {}
        for structure, level in (self.mine[key] for key in keys):
            levels.setdefault(structure, {})[level] = self.cells.levels[level].forces
        for structure, of_it in levels.items():
            yield LabelItem(structure=self.asked.structures[structure], levels=of_it)


def _versions(engine: EngineSettings, levels: Iterable[str]) -> dict[str, int]:
    """Of levels whose labels are not those of the first version."""
    found = {level: label_version(engine, level) for level in levels}
    return {level: version for level, version in found.items() if version > 1}


def _flat(structures: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(key for keys in structures for key in keys)
