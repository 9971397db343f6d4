"""Failures as a page shows them: those of one kind that say the same stand together."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from campaign.results.failed import FailedWork

MEMBERS = 100  # of one group that are listed; the rest is counted


@dataclass(frozen=True)
class FailureGroup:
    """Failures of one stage and kind whose messages differ in numbers at most."""

    stage: str
    kind: str
    message: str
    advice: str
    members: tuple[FailedWork, ...]

    @property
    def digest(self) -> str:
        """By which a form names the group."""
        return hashlib.sha256(f"{self.stage} {self.kind} {_told(self.message)}".encode()).hexdigest()[:16]

    @property
    def keys(self) -> tuple[str, ...]:
        """Of the work that failed so."""
        return tuple(dict.fromkeys(one.work.key for one in self.members))

    @property
    def listed(self) -> tuple[FailedWork, ...]:
        return self.members[:MEMBERS]


def groups(failed: Iterable[FailedWork]) -> list[FailureGroup]:
    """The largest group first."""
    found: dict[tuple[str, str, str], list[FailedWork]] = {}
    for one in failed:
        found.setdefault((one.record.stage, one.record.kind, _told(one.record.message)), []).append(one)
    made = [
        FailureGroup(stage, kind, members[0].record.message, members[0].record.advice, tuple(members))
        for (stage, kind, _), members in found.items()
    ]
    return sorted(made, key=lambda group: -len(group.members))


def _told(message: str) -> str:
    """What a message says, whatever its numbers are."""
    return re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "#", message)
