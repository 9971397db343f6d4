"""The seeds of one model and size in one system, together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from campaign.results.result import Result
from flows.records import Record

R = TypeVar("R", bound=Record)


class SharedVerdict(NamedTuple):
    """A model has learned if it has with every seed; `verdict` is that of the seeds that have not, if any has not."""

    learned: bool
    learned_seeds: int
    verdict: str

    @classmethod
    def of(cls, records: Sequence[Any]) -> SharedVerdict:
        """Of records with a verdict, one or more."""
        lost = [one for one in records if not one.learned]
        judged = lost or records
        alike = len({one.verdict for one in judged}) == 1
        verdict = judged[0].verdict if alike else reasons_by_seed({one.seed: one.verdict for one in judged})
        return cls(not lost, len(records) - len(lost), verdict)


def reasons_by_seed(verdicts: Mapping[int, str]) -> str:
    """`seed 861, 5735: no better than ...; seed 7271: ...`: a number is of the seed that it stands beside."""
    found: dict[str, list[str]] = {}
    for seed, verdict in verdicts.items():
        found.setdefault(verdict, []).append(str(seed))
    return "; ".join(f"seed {', '.join(seeds)}: {verdict}" for verdict, seeds in found.items())


def by_seeds(results: Iterable[Result[R]]) -> list[list[Result[R]]]:
    """The seeds of each model, system by system and size by size, in the order of `results`."""
    found: dict[tuple[str, str, str], list[Result[R]]] = {}
    for one in results:
        found.setdefault((one.work.system, one.work.size, one.work.model), []).append(one)
    return list(found.values())
