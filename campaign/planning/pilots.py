"""Pilots: the first labels of a level. The rest of it waits for one of them, and is not begun where all of them fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from campaign.planning.knowledge import Knowledge
from flows.training.names import level_title


@dataclass(frozen=True)
class Trial:
    """How a level has gone so far: its label keys that are stored, failed, and in jobs that have not ended."""

    stored: int
    failed: tuple[str, ...]
    awaited: tuple[str, ...]
    pilots: int

    @classmethod
    def of(cls, labels: Iterable[str], known: Knowledge, claimed: Mapping[str, Any], pilots: int) -> Trial:
        """That of a level with these `labels`."""
        every = list(labels)
        failed = tuple(key for key in every if key in known.failed and key not in known.seconds)
        awaited = tuple(key for key in every if key in claimed and not known.settled(key))
        return cls(sum(key in known.seconds for key in every), failed, awaited, pilots)

    @property
    def succeeded(self) -> bool:
        return self.stored > 0

    @property
    def stopped(self) -> bool:
        """Whether all pilots have failed: jobs that were claimed before go on."""
        return not self.succeeded and len(self.failed) >= self.pilots

    @property
    def lacking(self) -> int:
        """Pilots that are still to be sent out."""
        return 0 if self.succeeded else max(self.pilots - len(self.failed) - len(self.awaited), 0)


@dataclass(frozen=True)
class StoppedLevel:
    """A level of which no more labels are begun, as all pilots failed: `count` labels are left undone."""

    system: str
    level: str
    failed: int
    tried: int
    reason: str
    advice: str
    count: int

    def text(self, campaign: str) -> str:
        """For a user: what stopped, why, and what to do."""
        left = "1 label is" if self.count == 1 else f"{self.count} labels are"
        return (
            f"{level_title(self.level)} of {self.system} stopped after its pilots: {self.failed} of {self.tried} failed: {self.reason}"
            f"{f' ({self.advice})' if self.advice else ''}; {left} not begun before `latticefarm retry {campaign}`, pilots first"
        )

    def as_facts(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


def stopped_level(system: str, level: str, trial: Trial, known: Knowledge, count: int) -> StoppedLevel:
    """What a user is told of a stopped level: the reason is that of most of its failures."""
    failures = [known.failed[key] for key in trial.failed]
    message, _ = Counter(one.message for one in failures).most_common(1)[0]
    advice = next(one.advice for one in failures if one.message == message)
    tried = len(trial.failed) + len(trial.awaited)
    return StoppedLevel(system, level, len(failures), tried, message, advice, count)
