"""A subset of the structures that were drawn, in hash order: larger subsets hold smaller ones.

Structures that are drawn later find their places among the others, and replace a part of a subset of fixed size.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

How = Literal["random", "stratified"]


def subset(drawn: Mapping[str, float | None], count: int, how: How, seed: int) -> tuple[str, ...]:
    """`count` of the structure keys in `drawn`, which maps them to their strata, in the order of the draw.

    Its first n are the subset of n. A structure's rank depends on it and on `seed` alone. `stratified` takes from
    the strata in rounds, one structure of each: equal shares as far as they go.

    Raises:
        ValueError: there are fewer structures than asked for.
    """
    if not 0 <= count <= len(drawn):
        raise ValueError(f"cannot draw {count} of {len(drawn)} structures: ask for fewer, or sample more")
    ranked = sorted(drawn, key=lambda key: _rank(key, seed))
    if how == "stratified":
        ranked = _in_rounds(ranked, drawn)
    return tuple(ranked[:count])


def _in_rounds(ranked: list[str], stratum_of: Mapping[str, float | None]) -> list[str]:
    seen: dict[float | None, int] = defaultdict(int)
    rounds = {}
    for key in ranked:
        rounds[key] = seen[stratum_of[key]]
        seen[stratum_of[key]] += 1
    return sorted(ranked, key=rounds.__getitem__)  # stable: within a round the ranks decide


def _rank(key: str, seed: int) -> str:
    return hashlib.sha256(f"subset:{seed}:{key}".encode()).hexdigest()
