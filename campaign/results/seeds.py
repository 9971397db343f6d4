"""The seeds of one model and size in one system, together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from campaign.results.result import Result
from flows.records import Record

R = TypeVar("R", bound=Record)


class SharedVerdict(NamedTuple):
    """A model has learned if it has with every seed; `verdict` is that of the first seed that has not, if any has not."""

    learned: bool
    learned_seeds: int
    verdict: str

    @classmethod
    def of(cls, records: Sequence[Any]) -> SharedVerdict:
        """Of records with a verdict, one or more."""
        lost = [one for one in records if not one.learned]
        return cls(not lost, len(records) - len(lost), (lost or records)[0].verdict)


def by_seeds(results: Iterable[Result[R]]) -> list[list[Result[R]]]:
    """The seeds of each model, system by system and size by size, in the order of `results`."""
    found: dict[tuple[str, str, str], list[Result[R]]] = {}
    for one in results:
        found.setdefault((one.work.system, one.work.size, one.work.model), []).append(one)
    return list(found.values())
