"""What an upsert makes when nothing matches: the equalities of its filter, then its update."""

from collections.abc import Iterator, Mapping
from typing import Any

from bson import ObjectId, Regex

from launchers.database.embedded.errors import CommandError
from launchers.database.embedded.keys import encode
from launchers.database.embedded.matching import is_operators
from launchers.database.embedded.updating import Update, is_replacement


def upserted(criteria: Mapping[str, Any], change: Any, update: Update) -> dict[str, Any]:
    """The document that is inserted, `_id` first.

    Raises:
        CommandError: the filter names a field twice, or its `_id` and that of the update differ.
    """
    # in the order of their paths, as MongoDB puts them
    found = sorted(equalities(criteria), key=lambda pair: pair[0])
    if is_replacement(change):
        found = [(name, value) for name, value in found if name == "_id"]
        _check_once([name for name, _ in found])
    document = update(_seed(found), insert=True)
    return {"_id": document.get("_id", ObjectId()), **document}


def equalities(criteria: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of which a filter says what they are equal to: alone or in `$and`, in an `$or` of one, an `$all` of one, an `$in` of one."""
    for name, value in criteria.items():
        if name == "$and" or (name == "$or" and len(value) == 1):
            for part in value:
                yield from equalities(part)
        elif name.startswith("$") or isinstance(value, Regex):
            continue
        elif not is_operators(value):
            yield name, value
        else:
            yield from ((name, wanted) for wanted in _equal_to(value))


def _equal_to(operators: Mapping[str, Any]) -> Iterator[Any]:
    if "$eq" in operators:
        yield operators["$eq"]
    for operator in ("$in", "$all"):
        wanted = operators.get(operator, [])
        if operator == "$all" or len(set(map(encode, wanted))) == 1:
            wanted = wanted if operator == "$all" else wanted[:1]
            yield from (one for one in wanted if not isinstance(one, Regex) and not is_operators(one))


def _check_once(names: list[str]) -> None:
    paths = [name.split(".") for name in names]
    for number, path in enumerate(paths):
        for other in paths[:number]:
            if path[: len(other)] == other or other[: len(path)] == path:
                raise CommandError(
                    54, "NotSingleValueField", f"cannot infer query fields to set, path '{'.'.join(path)}' is matched twice"
                )


def _seed(found: list[tuple[str, Any]]) -> dict[str, Any]:
    _check_once([name for name, _ in found])
    document: dict[str, Any] = {}
    for name, value in found:
        *path, last = name.split(".")
        holder = document
        for part in path:
            holder = holder.setdefault(part, {})
        holder[last] = value
    return document
