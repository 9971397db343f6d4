"""The policy of retries, as data: for each kind of ending how often its job is tried again, and what is other then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from launchers.queue.endings import ATTEMPTS, CALCULATION, OUT_OF_MEMORY, OUT_OF_TIME

RETRY = "_retry"  # in the spec of a firework: so many times again after a failure of its calculation


@dataclass(frozen=True)
class Rule:
    """What follows an ending of one kind.

    After `attempts` endings that count as the job's own it has failed. Tried again, it needs `memory` times the memory
    that it had, no more than the largest slot that is known has, and longer than `time` times what it ran; 0: as before.
    """

    attempts: int = ATTEMPTS
    memory: float = 0.0
    time: float = 0.0


MACHINE = Rule()  # trouble of the machine, of whatever kind
POLICY: Mapping[str, Rule] = MappingProxyType(
    {
        OUT_OF_MEMORY: Rule(memory=2.0),
        OUT_OF_TIME.kind: Rule(time=2.0),  # never the job's own: it goes on until it fits, or nothing is known that lasts so long
        CALCULATION: Rule(attempts=0),  # unless its campaign says how often: the same numbers fail again
    }
)


def rule(kind: str) -> Rule:
    """What follows an ending of this kind."""
    return POLICY.get(kind, MACHINE)


def again(spec: Mapping[str, Any]) -> int:
    """How often the job of this firework is run again after a failure of its calculation."""
    return int(spec.get(RETRY) or POLICY[CALCULATION].attempts)


def may_go_on(spec: Mapping[str, Any], launches: list[dict[str, Any]]) -> bool:
    """Whether a job whose last launch ended with a failure of its calculation is to be run again.

    `launches` are all that it had before that one, whose endings were kept.
    """
    return sum((one.get("ended") or {}).get("kind") == CALCULATION for one in launches) < again(spec)
