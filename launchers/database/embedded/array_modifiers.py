"""The operators of an update on arrays: push, pull, pop and sets. What is no array is refused."""

from collections.abc import Callable, Mapping
from typing import Any

from launchers.database.embedded.errors import bad_value, failed_to_parse, type_mismatch
from launchers.database.embedded.keys import MISSING, encode, sort_key
from launchers.database.embedded.matching import element_filter
from launchers.database.embedded.predicates import is_number, type_name, whole_number

Change = Callable[[Any], Any]


def _array(value: Any, operator: str) -> list[Any]:
    if not isinstance(value, list):
        raise bad_value(f"Cannot apply {operator} to a non-array value of type {type_name(value)}")
    return value


def _each(argument: Any, operator: str, known: set[str]) -> tuple[list[Any], Mapping[str, Any]]:
    """The values to add, and what else is said of them."""
    if not isinstance(argument, Mapping) or not any(name.startswith("$") for name in argument):
        return [argument], {}
    if "$each" not in argument or set(argument) - known:
        raise bad_value(f"{operator} needs $each, and knows {sorted(known)}, not {list(argument)}")
    if not isinstance(argument["$each"], list):
        raise bad_value(f"The argument to $each in {operator} must be an array")
    return argument["$each"], argument


def push(argument: Any) -> Change:
    """`$push`, with `$each`, `$position`, `$sort` and `$slice`.

    Raises:
        CommandError: an argument that makes no sense.
    """
    values, said = _each(argument, "$push", {"$each", "$position", "$sort", "$slice"})
    position = whole_number(said["$position"], "$position") if "$position" in said else None
    size = whole_number(said["$slice"], "$slice") if "$slice" in said else None
    order = _order(said["$sort"]) if "$sort" in said else None

    def change(value: Any) -> list[Any]:
        array = [] if value is MISSING else list(_array(value, "$push"))
        place = len(array) if position is None else position
        array[place:place] = values
        if order is not None:
            array = order(array)
        if size is None:
            return array
        return array[:size] if size >= 0 else array[size:]

    return change


def _order(wanted: Any) -> Callable[[list[Any]], list[Any]]:
    if is_number(wanted) and wanted in (1, -1):
        return lambda array: sorted(array, key=lambda value: encode(value, int(wanted)))
    if not isinstance(wanted, Mapping) or not wanted or not all(is_number(d) and d in (1, -1) for d in wanted.values()):
        raise bad_value("The $sort is invalid: use 1/-1, or a document of them")
    order = [(name, int(direction)) for name, direction in wanted.items()]

    def ordered(array: list[Any]) -> list[Any]:
        if not all(isinstance(value, Mapping) for value in array):
            raise bad_value("$sort by fields needs an array of documents")
        return sorted(array, key=lambda value: sort_key(value, order))

    return ordered


def add_to_set(argument: Any) -> Change:
    """`$addToSet`, with `$each`."""
    values, _ = _each(argument, "$addToSet", {"$each"})

    def change(value: Any) -> list[Any]:
        array = [] if value is MISSING else list(_array(value, "$addToSet"))
        there = set(map(encode, array))
        for one in values:
            if encode(one) not in there:
                there.add(encode(one))
                array.append(one)
        return array

    return change


def pull(argument: Any) -> Change:
    """`$pull`: a value, operators, or a filter of documents.

    Raises:
        CommandError: as a filter does.
    """
    passes = element_filter(argument)

    def change(value: Any) -> Any:
        if value is MISSING:
            return MISSING
        return [element for element in _array(value, "$pull") if not passes(element)]

    return change


def pull_all(argument: Any) -> Change:
    """`$pullAll`: the values of a list.

    Raises:
        CommandError: no list.
    """
    if not isinstance(argument, list):
        raise bad_value("$pullAll requires an array argument")
    keys = set(map(encode, argument))

    def change(value: Any) -> Any:
        if value is MISSING:
            return MISSING
        return [element for element in _array(value, "$pullAll") if encode(element) not in keys]

    return change


def pop(argument: Any) -> Change:
    """`$pop`: the last element, or with -1 the first.

    Raises:
        CommandError: neither 1 nor -1.
    """
    if not is_number(argument) or argument not in (1, -1):
        raise failed_to_parse("$pop expects 1 or -1")

    def change(value: Any) -> Any:
        if value is MISSING:
            return MISSING
        if not isinstance(value, list):
            raise type_mismatch(f"Path contains an element of non-array type {type_name(value)}")
        return value[:-1] if argument > 0 else value[1:]

    return change
