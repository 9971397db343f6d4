"""Who trains, validates and tests: by hash order, in which structures that are added later find their places."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


class SplitError(ValueError):
    """A set that cannot be split so."""


@dataclass(frozen=True)
class Split:
    """Structure keys, disjoint, each in hash order. `train` and `valid` together are what a model has seen."""

    train: tuple[str, ...]
    valid: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def seen(self) -> frozenset[str]:
        return frozenset(self.train) | frozenset(self.valid)


def split(structure_keys: Iterable[str], count: int, split_seed: int, valid_fraction: float) -> Split:
    """Split the structures that have the labels of a model: the first `count` by rank are seen, the rest test.

    A structure's rank depends on it and on `split_seed` alone: sets of growing `count` are nested, and neither
    the training seed nor the model nor another structure changes the order. Structures that are added later rank
    among the others: of a set of one `count` they replace about as large a part as they are of all. Of those that are seen, the
    round(valid_fraction * count), at least one, that a second hash puts first validate.

    Raises:
        SplitError: `count` is below two or above the number of structures, or the fraction leaves nothing to
            train on.
    """
    ranked = sorted(set(structure_keys), key=lambda key: _rank(f"{split_seed}:{key}"))
    if not 2 <= count <= len(ranked):
        raise SplitError(f"cannot train on {count} of {len(ranked)} structures: ask for 2 to {len(ranked)}")
    validating = max(1, round(valid_fraction * count))
    if not 0 <= valid_fraction < 1 or validating >= count:
        raise SplitError(f"valid_fraction {valid_fraction} of {count} structures leaves none to train on")
    seen, rest = ranked[:count], ranked[count:]
    chosen = set(sorted(seen, key=lambda key: _rank(f"{split_seed}:valid:{key}"))[:validating])
    return Split(
        train=tuple(key for key in seen if key not in chosen),
        valid=tuple(key for key in seen if key in chosen),
        test=tuple(rest),
    )


def unseen(difference: Split, base: Split) -> tuple[str, ...]:
    """The test structures of a difference that its base has not seen either: those that test their sum."""
    seen = base.seen
    return tuple(key for key in difference.test if key not in seen)


def _rank(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
