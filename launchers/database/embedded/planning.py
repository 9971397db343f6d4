"""Which documents may match: ranges of index keys for a filter and an order."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launchers.database.embedded.indexes import Index
from launchers.database.embedded.keys import encode, is_scalar, type_range
from launchers.database.embedded.matching import is_operators
from launchers.database.embedded.storage import Collection, Storage

Order = list[tuple[str, int]]

_MAX_RANGES = 200_000
# beyond this many candidates an index that gives the order is worth more than a smaller one
_COUNTED = 100
_SAMPLED = 16
_COUNT = "select count(*) from (select 1 from entries where number=? and key>=? and key<? limit ?)"
_COMPARISONS = {"$gt", "$gte", "$lt", "$lte"}
_END = b"\xff"


@dataclass(frozen=True)
class Query:
    """What a client wants to read of a collection."""

    criteria: Mapping[str, Any] = field(default_factory=dict)
    order: Order = field(default_factory=list)
    skip: int = 0
    limit: int = 0
    projection: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Conditions:
    """What a filter says that an index can use."""

    equal: dict[str, list[Any]] = field(default_factory=dict)
    between: dict[str, dict[str, Any]] = field(default_factory=dict)
    present: set[str] = field(default_factory=set)
    exact: bool = True

    def add(self, criteria: Mapping[str, Any]) -> "Conditions":
        """Take in a filter; `exact` stays true while equalities say all of it."""
        for name, value in criteria.items():
            if name == "$and":
                for part in value:
                    self.add(part)
            elif name != "$comment":
                self._add_field(name, value)
        return self

    def _add_field(self, name: str, value: Any) -> None:
        if name.startswith("$") or name in self.equal:
            self.exact = False
        elif is_scalar(value):
            self.equal[name] = [value]
        elif is_operators(value):
            self._add_operators(name, value)
        else:
            self.exact = False

    def _add_operators(self, name: str, operators: Mapping[str, Any]) -> None:
        values = [operators["$eq"]] if "$eq" in operators else operators.get("$in")
        if isinstance(values, list) and all(map(is_scalar, values)):
            self.equal[name] = values
            self.exact = self.exact and len(operators) == 1
            return
        self.exact = False
        limits = {o: v for o, v in operators.items() if o in _COMPARISONS and is_scalar(v)}
        if limits:
            self.between[name] = limits
        # false, null and 0 ask that the field is missing
        if operators.get("$exists"):
            self.present.add(name)

    def has(self, name: str) -> bool:
        """Whether the filter asks that the field is there."""
        return name in self.equal or name in self.between or name in self.present

    def implies(self, partial: Mapping[str, Any]) -> bool:
        """Whether every match lies in a partial index; only presence is understood."""
        return all(
            isinstance(condition, Mapping)
            and set(condition) == {"$exists"}
            and bool(condition["$exists"])
            and self.has(name)
            for name, condition in partial.items()
        )


@dataclass(frozen=True)
class Plan:
    """A way to the candidates: ranges of one index, or the whole collection without one."""

    index: Index | None = None
    ranges: tuple[tuple[bytes, bytes], ...] = ((b"", _END),)
    reverse: bool = False
    ordered: bool = False
    exact: bool = False
    fields: int = 0


def plan(storage: Storage, collection: Collection, criteria: Mapping[str, Any], order: Order) -> Plan:
    """The cheapest way to the documents that pass `criteria`, in `order` where an index has it."""
    if order and order[0][0] == "$natural":
        return Plan(reverse=order[0][1] < 0, ordered=True, exact=not criteria)
    conditions = Conditions().add(criteria)
    plans = [p for index in collection.indexes if (p := _of_index(index, conditions, order)) is not None]
    natural = Plan(ordered=not order, exact=not criteria)
    if not plans:
        return natural
    return min(plans, key=lambda p: (_cost(storage, p), not p.ordered, -p.fields))


def _cost(storage: Storage, candidate: Plan) -> float:
    assert candidate.index is not None
    if not candidate.fields and candidate.index.partial is None:
        return math.inf
    total = 0
    for low, high in candidate.ranges[:_SAMPLED]:
        row = storage.rows(_COUNT, (candidate.index.number, low, high, _COUNTED)).fetchone()
        total += row[0]
        if total >= _COUNTED:
            return _COUNTED
    return min(_COUNTED, total * max(1.0, len(candidate.ranges) / _SAMPLED))


def _of_index(index: Index, conditions: Conditions, order: Order) -> Plan | None:
    if index.partial is not None and not conditions.implies(index.partial):
        return None
    first = index.fields[0][0]
    if index.partial is None and not (conditions.has(first) or (order and order[0][0] == first)):
        return None  # most indexes: nothing more is reckoned for them
    prefix = _prefix(index, conditions)
    ranges, limited = _ranges(index, conditions, prefix)
    used = len(prefix) + limited
    # of a partial index, whose filter is implied, all is little
    narrow = bool(used) or index.partial is not None
    if not narrow and not (order and index.complete):
        return None
    reverse = _direction(index, conditions, prefix, order)
    # a document stands at several places of a multikey index: only all of it, read from one end, is in order
    if index.multikey and used:
        reverse = None
    if not narrow and reverse is None:
        return None
    exact = conditions.exact and len(prefix) == len(conditions.equal)
    # an array at a position: what a filter sees there is not what the index has
    exact = exact and not (index.multikey and index.positional)
    ordered = not order or (reverse is not None and len(ranges) <= 1)
    return Plan(index, ranges, bool(reverse), ordered, exact, used)


def _prefix(index: Index, conditions: Conditions) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    combinations = 1
    for name, direction in index.fields:
        combinations *= len(conditions.equal.get(name, ()))
        if name not in conditions.equal or combinations > _MAX_RANGES:
            break
        # two fields of the elements of one array: the filter may be met by two of these, a key is of one
        if index.multikey and name.split(".")[0] in {other.split(".")[0] for other, _ in found}:
            break
        found.append((name, direction))
    return found


def _span(key: bytes) -> tuple[bytes, bytes]:
    return key, key + _END


def _ranges(
    index: Index, conditions: Conditions, prefix: list[tuple[str, int]]
) -> tuple[tuple[tuple[bytes, bytes], ...], bool]:
    """The ranges of keys, and whether a comparison narrows the one that there is."""
    parts = [sorted({encode(value, d) for value in conditions.equal[name]}) for name, d in prefix]
    points = [b"".join(combination) for combination in itertools.product(*parts)]
    following = index.fields[len(prefix) :]
    if len(points) == 1 and following and not index.multikey and following[0][0] in conditions.between:
        name, direction = following[0]
        return (_limited(points[0], conditions.between[name], direction),), True
    return tuple(map(_span, points)), False


def _limited(point: bytes, limits: Mapping[str, Any], direction: int) -> tuple[bytes, bytes]:
    low, high = type_range(next(iter(limits.values())), direction)
    for operator, value in limits.items():
        key = encode(value, direction)
        # the filter looks at the candidates again: the bounds may take in an end too many
        if operator.startswith("$gt") == (direction > 0):
            low = max(low, key)
        else:
            high = min(high, key + _END)
    return point + low, point + high


def _direction(
    index: Index, conditions: Conditions, prefix: list[tuple[str, int]], order: Order
) -> bool | None:
    """Whether the index has `order` backwards; None when it does not have it at all."""
    # an equal field orders nothing, unless it is an array; in this index it is none, outside nobody knows
    fixed = {name for name, _ in prefix if len(conditions.equal[name]) == 1}
    wanted = [(name, direction) for name, direction in order if name not in fixed]
    if any(name not in fixed for name, _ in prefix):
        return None
    following = index.fields[len(prefix) : len(prefix) + len(wanted)]
    if wanted == following:
        return False
    return True if wanted == [(name, -direction) for name, direction in following] else None
