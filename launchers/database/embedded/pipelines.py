"""Pipelines, read before they run: what the indexes can do instead, and which fields they need."""

from collections.abc import Mapping
from typing import Any

from launchers.database.embedded.planning import Query
from launchers.database.embedded.stages import ordering

Stages = list[dict[str, Any]]


def absorbed(stages: list[Mapping[str, Any]], variables: Mapping[str, Any]) -> tuple[Query, Stages]:
    """The query that the first stages amount to, and the stages that are left; they were checked before.

    `$match`, `$sort`, `$skip`, `$limit` are taken where they stand in this order; a `$skip` or `$limit`
    without a `$sort` stays, since counting pipelines are recognized by it.
    """
    rest = [dict(stage) for stage in stages]
    criteria = rest.pop(0)["$match"] if rest and set(rest[0]) == {"$match"} else {}
    if not rest or set(rest[0]) != {"$sort"}:
        return Query(criteria, variables=variables), rest
    order = ordering(rest.pop(0)["$sort"])
    skip = int(rest.pop(0)["$skip"]) if rest and set(rest[0]) == {"$skip"} else 0
    limit = int(rest.pop(0)["$limit"]) if rest and set(rest[0]) == {"$limit"} else 0
    return Query(criteria, order, skip, limit, variables=variables), rest


def counted_as(stages: Stages) -> tuple[Any, str, tuple[int, int]] | None:
    """Identity, name, skip and limit of a pipeline that only counts: pymongo's `count_documents`, or `$count`.

    The identity is `...` for `$count`, whose result has none.
    """
    rest, bounds = list(stages), {"$skip": 0, "$limit": 0}
    while rest and len(rest[0]) == 1 and next(iter(rest[0])) in bounds:
        ((name, value),) = rest.pop(0).items()
        if bounds[name] or (name == "$skip" and bounds["$limit"]):
            return None
        bounds[name] = int(value)
    if len(rest) != 1:
        return None
    if isinstance(rest[0].get("$count"), str):
        return ..., rest[0]["$count"], (bounds["$skip"], bounds["$limit"])
    identity, counters = _group_parts(rest[0])
    if not (identity is None or isinstance(identity, (bool, int, float))) or len(counters) != 1:
        return None
    return identity, counters[0], (bounds["$skip"], bounds["$limit"])


def grouped_by(stages: Stages) -> tuple[str, str] | None:
    """Field and counter of a pipeline that begins by counting per value of one field."""
    identity, counters = _group_parts(stages[0]) if stages else (..., [])
    if not isinstance(identity, str) or not identity.startswith("$") or identity.startswith("$$"):
        return None
    return (identity[1:], counters[0]) if len(counters) == 1 else None


def _group_parts(stage: Mapping[str, Any]) -> tuple[Any, list[str]]:
    group = stage.get("$group")
    if not isinstance(group, Mapping) or len(stage) != 1:
        return ..., []
    counters = [name for name, value in group.items() if name != "_id" and _is_counter(value)]
    return (group.get("_id", ...), counters) if len(counters) == len(group) - 1 else (..., [])


def _is_counter(value: Any) -> bool:
    # true would add up to nothing, 1.0 to a double
    return isinstance(value, Mapping) and set(value) == {"$sum"} and type(value["$sum"]) is int and value["$sum"] == 1


def needed_fields(stages: Stages) -> set[str] | None:
    """The top-level fields that a pipeline reads of its documents; None when it may need all."""
    if not stages or set(stages[0]) != {"$group"}:
        return None
    names: set[str] = set()
    return names if _collect(stages[0]["$group"], names) else None


def _collect(value: Any, names: set[str]) -> bool:
    if isinstance(value, Mapping):
        return all(_collect(item, names) for item in value.values())
    if isinstance(value, list):
        return all(_collect(item, names) for item in value)
    if isinstance(value, str) and value.startswith("$$"):
        return False
    if isinstance(value, str) and value.startswith("$"):
        names.add(value[1:].split(".")[0])
    return True
