"""A second opinion on MongoDB's updates: one operator at one path of a small document, written from the manual.

It knows what `mongo_oracle` knows, and shares nothing with the embedded server. Where the manual is silent, MongoDB's
source decides: a path that is blocked by a scalar, or by an array whose next part is no number, is refused, but to $unset.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from mongo_oracle import ABSENT, compare, passes, rank


class Refused(Exception):
    """MongoDB answers with an error, and the document stays as it was."""


def updated(document: dict[str, Any], change: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The document after an update by one operator at one path.

    Raises:
        Refused: MongoDB refuses it.
    """
    ((operator, ((path, argument),)),) = ((name, tuple(fields.items())) for name, fields in change.items())
    made, parts = deepcopy(document), path.split(".")
    if operator == "$rename":
        _rename(made, parts, argument)
        return made
    holder, left = _walk(made, parts)
    if len(left) > 1 or not _has_place(holder, left[0]):
        if operator == "$unset":
            return made
        if not _has_place(holder, left[0]):
            raise Refused("blocked")
    found = _get(holder, left[0]) if len(left) == 1 else ABSENT
    if operator == "$unset":
        _remove(holder, left[0])
    elif operator in ("$pull", "$pop"):
        if found is not ABSENT:
            _put(holder, left[0], _shortened(operator, found, argument))
    else:
        value = _grown(operator, found, argument)
        for part in reversed(left[1:]):
            value = {part: value}
        _put(holder, left[0], value)
    return made


def _walk(document: Any, parts: list[str]) -> tuple[Any, list[str]]:
    """As far along a path as there is something; what holds the next part, and the parts that are left, one or more."""
    holder = document
    for depth, part in enumerate(parts[:-1]):
        inner = _get(holder, part)
        if inner is ABSENT:
            return holder, parts[depth:]
        holder = inner
    return holder, parts[-1:]


def _has_place(holder: Any, part: str) -> bool:
    """Whether something can stand at `part`: in a document, or at a number of an array."""
    return isinstance(holder, dict) or (isinstance(holder, list) and part.isdigit())


def _get(holder: Any, part: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(part, ABSENT)
    if isinstance(holder, list) and part.isdigit() and int(part) < len(holder):
        return holder[int(part)]
    return ABSENT


def _put(holder: Any, part: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[part] = value
    else:
        holder.extend([None] * (int(part) + 1 - len(holder)))
        holder[int(part)] = value


def _remove(holder: Any, part: str) -> None:
    """Of an array an element becomes null, so that the others keep their places."""
    if isinstance(holder, dict):
        holder.pop(part, None)
    elif int(part) < len(holder):
        holder[int(part)] = None


def _grown(operator: str, found: Any, argument: Any) -> Any:
    if operator == "$set":
        return argument
    if operator == "$max":
        return argument if found is ABSENT or compare(argument, found) > 0 else found
    if operator == "$inc":
        if found is not ABSENT and rank(found) != 2:
            raise Refused("no number")
        return argument if found is ABSENT else found + argument
    array = [] if found is ABSENT else found
    if not isinstance(array, list):
        raise Refused("no array")
    if operator == "$addToSet" and any(compare(one, argument) == 0 for one in array):
        return array
    return [*array, argument]


def _shortened(operator: str, found: Any, argument: Any) -> list[Any]:
    if not isinstance(found, list):
        raise Refused("no array")
    if operator == "$pop":
        return found[:-1] if argument == 1 else found[1:]
    if isinstance(argument, dict):  # a filter, which documents alone can meet
        return [one for one in found if not (isinstance(one, dict) and passes(one, argument))]
    return [one for one in found if compare(one, argument) != 0]


def _rename(document: dict[str, Any], parts: list[str], target: str) -> None:
    holder, left = _walk(document, parts)
    if not _has_place(holder, left[0]):
        raise Refused("blocked")
    if len(left) > 1 or _get(holder, left[0]) is ABSENT:
        return
    inner = document
    for part in parts[:-1]:
        inner = _get(inner, part)
        if isinstance(inner, list):
            raise Refused("within an array")
    document[target] = holder.pop(left[0])
