"""The operators of expressions, on values that are already computed."""

import datetime
import math
from collections.abc import Callable, Mapping
from typing import Any

from launchers.database.embedded.arithmetic import (
    add,
    divide,
    extreme,
    is_null,
    mean,
    multiply,
    needed,
    remainder,
    rounded,
    subtract,
    total,
)
from launchers.database.embedded.errors import bad_value, not_supported
from launchers.database.embedded.keys import MISSING, encode
from launchers.database.embedded.predicates import is_number, type_name, whole_number

_ANY = 1_000_000


def date_to_string(value: Any, form: str) -> str | None:
    """A date in UTC, by a format of which year, month, day and time of day are known.

    Raises:
        CommandError: no date, or another part of a format.
    """
    if is_null(value):
        return None
    moment = needed(value, datetime.datetime, "$dateToString", "a date")
    parts = {
        "Y": f"{moment.year:04d}",
        "m": f"{moment.month:02d}",
        "d": f"{moment.day:02d}",
        "H": f"{moment.hour:02d}",
        "M": f"{moment.minute:02d}",
        "S": f"{moment.second:02d}",
        "L": f"{moment.microsecond // 1000:03d}",
        "%": "%",
    }
    text, rest = "", iter(form)
    for letter in rest:
        part = letter if letter != "%" else parts.get(next(rest, ""))
        if part is None:
            raise not_supported(f"the format {form} of $dateToString")
        text += part
    return text


def _rank(value: Any) -> bytes:
    # in expressions missing is less than null
    return b"\x03" if value is MISSING else encode(value)


def _compared(test: Callable[[bytes, bytes], bool]) -> Callable[[list[Any]], bool]:
    return lambda values: test(_rank(values[0]), _rank(values[1]))


def _concatenated(values: list[Any]) -> Any:
    if any(map(is_null, values)):
        return None
    return "".join(needed(value, str, "$concat", "strings") for value in values)


def _text(value: Any, name: str) -> str:
    """A value as `$substr` and its like take it for a string."""
    if is_null(value):
        return ""
    if isinstance(value, datetime.datetime):
        return date_to_string(value, "%Y-%m-%dT%H:%M:%S.%LZ") or ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    return str(needed(value, str, name, "a string"))


def _bytes_of(values: list[Any]) -> str:
    text, start, length = values
    raw = _text(text, "$substr").encode()
    begin, size = whole_number(start, "$substr"), whole_number(length, "$substr")
    if begin < 0:
        raise bad_value("$substr needs a start that is not negative")
    try:
        return raw[begin : None if size < 0 else begin + size].decode()
    except UnicodeDecodeError as error:
        raise bad_value("$substr: the range cuts a character") from error


def _letters_of(values: list[Any]) -> str:
    text, start, length = values
    begin, size = whole_number(start, "$substrCP"), whole_number(length, "$substrCP")
    if begin < 0 or size < 0:
        raise bad_value("$substrCP needs a start and a length that are not negative")
    return _text(text, "$substrCP")[begin : begin + size]


def _cased(upper: bool) -> Callable[[list[Any]], str]:
    def cased(values: list[Any]) -> str:
        text = _text(values[0], "$toUpper" if upper else "$toLower")
        if not text.isascii():
            raise not_supported("$toUpper and $toLower of letters beyond ASCII")
        return text.upper() if upper else text.lower()

    return cased


def _element_at(values: list[Any]) -> Any:
    if is_null(values[0]) or is_null(values[1]):
        return None
    array = needed(values[0], list, "$arrayElemAt", "an array")
    index = whole_number(values[1], "$arrayElemAt")
    return array[index] if -len(array) <= index < len(array) else MISSING


def _end(name: str, index: int) -> Callable[[list[Any]], Any]:
    def end(values: list[Any]) -> Any:
        if is_null(values[0]):
            return None
        array = needed(values[0], list, name, "an array")
        return array[index] if array else MISSING

    return end


def _slice(values: list[Any]) -> Any:
    if any(map(is_null, values)):
        return None
    array = needed(values[0], list, "$slice", "an array")
    numbers = [whole_number(value, "$slice") for value in values[1:]]
    return sliced(array, *numbers)


def sliced(array: list[Any], first: int, size: int | None = None) -> list[Any]:
    """So many elements of an array: from its beginning or its end, or from a position on."""
    if size is None:
        return array[:first] if first >= 0 else array[first:]
    if size <= 0:
        raise bad_value("$slice needs a positive number of elements")
    begin = first if first >= 0 else max(0, len(array) + first)
    return array[begin : begin + size]


def _joined(values: list[Any]) -> Any:
    if any(map(is_null, values)):
        return None
    return [item for value in values for item in needed(value, list, "$concatArrays", "arrays")]


def _union(values: list[Any]) -> Any:
    found = _joined(values)
    return None if found is None else list({encode(item): item for item in reversed(found)}.values())


def _merged(values: list[Any]) -> Any:
    merged: dict[str, Any] = {}
    for value in _items(values):
        if not is_null(value):
            merged |= dict(needed(value, Mapping, "$mergeObjects", "documents"))
    return merged


def _items(values: list[Any]) -> list[Any]:
    """The operands of an accumulator: the elements of an array that stands alone."""
    return values[0] if len(values) == 1 and isinstance(values[0], list) else values


def _pairs(values: list[Any]) -> Any:
    if is_null(values[0]):
        return None
    document = needed(values[0], Mapping, "$objectToArray", "a document")
    return [{"k": name, "v": value} for name, value in document.items()]


def _shown(values: list[Any]) -> Any:
    value = values[0]
    if is_null(value):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        raise not_supported("$toString of doubles")
    kinds = {"objectId"}
    return str(value) if type_name(value) in kinds else _text(value, "$toString")


def _size(values: list[Any]) -> int:
    return len(needed(values[0], list, "$size", "an array"))


def _length(values: list[Any]) -> int:
    return len(needed(values[0], str, "$strLenCP", "a string"))


# the least and the greatest number of arguments, and the function of their values
OPERATORS: dict[str, tuple[int, int, Callable[[list[Any]], Any]]] = {
    "$eq": (2, 2, _compared(lambda a, b: a == b)),
    "$ne": (2, 2, _compared(lambda a, b: a != b)),
    "$gt": (2, 2, _compared(lambda a, b: a > b)),
    "$gte": (2, 2, _compared(lambda a, b: a >= b)),
    "$lt": (2, 2, _compared(lambda a, b: a < b)),
    "$lte": (2, 2, _compared(lambda a, b: a <= b)),
    "$cmp": (2, 2, lambda v: (_rank(v[0]) > _rank(v[1])) - (_rank(v[0]) < _rank(v[1]))),
    "$add": (0, _ANY, add),
    "$subtract": (2, 2, subtract),
    "$multiply": (0, _ANY, multiply),
    "$divide": (2, 2, divide),
    "$mod": (2, 2, remainder),
    "$abs": (1, 1, rounded(abs, "$abs")),
    "$ceil": (1, 1, rounded(math.ceil, "$ceil")),
    "$floor": (1, 1, rounded(math.floor, "$floor")),
    "$concat": (0, _ANY, _concatenated),
    "$substr": (3, 3, _bytes_of),
    "$substrBytes": (3, 3, _bytes_of),
    "$substrCP": (3, 3, _letters_of),
    "$toLower": (1, 1, _cased(False)),
    "$toUpper": (1, 1, _cased(True)),
    "$strLenCP": (1, 1, _length),
    "$toString": (1, 1, _shown),
    "$type": (1, 1, lambda v: type_name(v[0])),
    "$isNumber": (1, 1, lambda v: is_number(v[0])),
    "$isArray": (1, 1, lambda v: isinstance(v[0], list)),
    "$arrayElemAt": (2, 2, _element_at),
    "$first": (1, 1, _end("$first", 0)),
    "$last": (1, 1, _end("$last", -1)),
    "$size": (1, 1, _size),
    "$slice": (2, 3, _slice),
    "$concatArrays": (0, _ANY, _joined),
    "$setUnion": (0, _ANY, _union),
    "$mergeObjects": (0, _ANY, _merged),
    "$objectToArray": (1, 1, _pairs),
    "$sum": (0, _ANY, lambda v: total(_items(v))),
    "$avg": (0, _ANY, lambda v: mean(_items(v))),
    "$min": (0, _ANY, lambda v: extreme(_items(v), False)),
    "$max": (0, _ANY, lambda v: extreme(_items(v), True)),
}

