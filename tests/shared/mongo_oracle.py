"""A second opinion on MongoDB: filters and orders over small values, written from the manual, by comparing values in pairs.

It knows null, numbers, strings, documents, arrays and booleans, and shares nothing with the embedded server.
"""

import functools
from collections.abc import Iterator
from typing import Any

ABSENT = object()


class ParallelArrays(Exception):
    """Two fields of an order or index hold an array in one document."""


def rank(value: Any) -> int:
    """The place of a value's type in MongoDB's comparison order; an empty array sorts before null."""
    if isinstance(value, tuple):
        return 0
    if value is None or value is ABSENT:
        return 1
    if isinstance(value, bool):
        return 6
    if isinstance(value, (int, float)):
        return 2
    return {str: 3, dict: 4, list: 5}[type(value)]


def compare(one: Any, other: Any) -> int:
    """Below, at or above zero as `one` is less than, equal to or greater than `other`."""
    if rank(one) != rank(other):
        return rank(one) - rank(other)
    if rank(one) < 2:
        return 0
    if isinstance(one, str):
        left, right = one.encode(), other.encode()
        return (left > right) - (left < right)
    if isinstance(one, dict):
        for (name, value), (other_name, other_value) in zip(one.items(), other.items(), strict=False):
            if rank(value) != rank(other_value):
                return rank(value) - rank(other_value)
            if name != other_name:
                return 1 if name > other_name else -1
            if different := compare(value, other_value):
                return different
        return len(one) - len(other)
    if isinstance(one, list):
        for value, other_value in zip(one, other, strict=False):
            if different := compare(value, other_value):
                return different
        return len(one) - len(other)
    return (one > other) - (one < other)


def found_at(value: Any, path: list[str]) -> Iterator[Any]:
    """What a condition on a path looks at; ABSENT where a document lacks the field."""
    if not path:
        yield value
        if isinstance(value, list):
            yield from value
    elif isinstance(value, dict):
        if path[0] in value and isinstance(value[path[0]], list) and len(path) > 1:
            for element in value[path[0]]:
                if isinstance(element, dict):
                    yield from found_at(element, path[1:])
        else:
            yield from found_at(value.get(path[0], ABSENT), path[1:]) if path[0] in value else [ABSENT]
    else:
        yield ABSENT


def passes(document: dict[str, Any], criteria: dict[str, Any]) -> bool:
    """Whether a document is found."""
    for name, wanted in criteria.items():
        if name in ("$and", "$or", "$nor"):
            inner = [passes(document, one) for one in wanted]
            if not {"$and": all(inner), "$or": any(inner), "$nor": not any(inner)}[name]:
                return False
            continue
        seen = list(found_at(document, name.split(".")))
        operators = wanted if isinstance(wanted, dict) and any(key.startswith("$") for key in wanted) else {"$eq": wanted}
        if not all(_holds(seen, operator, value) for operator, value in operators.items()):
            return False
    return True


def _holds(seen: list[Any], operator: str, value: Any) -> bool:
    if operator in ("$ne", "$nin"):
        return not _holds(seen, {"$ne": "$eq", "$nin": "$in"}[operator], value)
    if operator == "$not":
        return not all(_holds(seen, inner, wanted) for inner, wanted in value.items())
    if operator == "$exists":
        return any(one is not ABSENT for one in seen) == value
    if operator == "$in":
        return any(_holds(seen, "$eq", one) for one in value)
    if operator == "$all":
        return bool(value) and all(_holds(seen, "$eq", one) for one in value)
    if operator == "$eq":
        return any(compare(one, value) == 0 for one in seen)
    # comparisons stay within a type
    alike = [compare(one, value) for one in seen if rank(one) == rank(value)]
    return {
        "$gt": any(c > 0 for c in alike),
        "$gte": any(c >= 0 for c in alike),
        "$lt": any(c < 0 for c in alike),
        "$lte": any(c <= 0 for c in alike),
    }[operator]


def sorted_values(document: dict[str, Any], name: str) -> tuple[list[Any], bool]:
    """The values that count for an order at a path of one or two parts, and whether they are of an array."""
    first, *rest = name.split(".")
    value = document.get(first, ABSENT)
    if rest and isinstance(value, list):
        inner = [one.get(rest[0], ABSENT) if isinstance(one, dict) else ABSENT for one in value] or [ABSENT]
        spread = [x for one in inner for x in ((one or [()]) if isinstance(one, list) else [one])]
        return spread, True
    if rest:
        value = value.get(rest[0], ABSENT) if isinstance(value, dict) else ABSENT
    return ((value or [()]), True) if isinstance(value, list) else ([value], False)


def check_parallel(document: dict[str, Any], names: list[str]) -> None:
    """Raises ParallelArrays as MongoDB does for an order or a compound index."""
    if sum(sorted_values(document, name)[1] for name in names) > 1:
        raise ParallelArrays


def ordered(documents: list[dict[str, Any]], order: list[tuple[str, int]]) -> list[dict[str, Any]]:
    """The documents in an order: of an array its least element counts, or its greatest when it descends."""
    for document in documents:
        check_parallel(document, [name for name, _ in order])

    def against(one: dict[str, Any], other: dict[str, Any]) -> int:
        for name, direction in order:
            pair = []
            for document in (one, other):
                values = sorted(sorted_values(document, name)[0], key=functools.cmp_to_key(compare))
                pair.append(values[0] if direction > 0 else values[-1])
            if different := compare(*pair):
                return different * direction
        return 0

    return sorted(documents, key=functools.cmp_to_key(against))


def distinct(documents: list[dict[str, Any]], name: str) -> list[Any]:
    """The different values at a path, elements of arrays one by one."""
    found: list[Any] = []
    for document in documents:
        values, spread = sorted_values(document, name)
        for value in values:
            there = value is not ABSENT and value != ()
            if there and not any(compare(value, other) == 0 for other in found):
                found.append(value)
        del spread
    return found
