"""The operators of expressions on values that are already computed, and numbers as MongoDB adds them up."""

import datetime
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bson import Decimal128, Int64

from launchers.embedded.errors import CommandError, bad_value, not_supported, type_mismatch
from launchers.embedded.keys import MISSING, encode
from launchers.embedded.predicates import is_number, type_name, whole_number

_LONG = 2**63
_ANY = 1_000_000


def is_null(value: Any) -> bool:
    """Whether a value is null or missing."""
    return value is None or value is MISSING


def needed(value: Any, kind: type | tuple[type, ...], name: str, what: str) -> Any:
    """The value, which must be of a kind.

    Raises:
        CommandError: it is another.
    """
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise CommandError(28765, "Location28765", f"{name} needs {what}, not {type_name(value)}")
    return value


def number(value: Any, name: str) -> int | float:
    """The value, which must be a number, and no Decimal128.

    Raises:
        CommandError: it is something else.
    """
    if isinstance(value, Decimal128):
        raise not_supported(f"arithmetic with Decimal128 ({name})")
    if not is_number(value):
        raise type_mismatch(f"{name} only supports numeric types, not {type_name(value)}")
    return value


def whole(result: int | float, operands: Iterable[Any], strict: bool = False) -> Any:
    """The result of integer arithmetic: long where an operand is, and where it does not fit into 32 bits.

    Beyond 64 bits it becomes a double, or is refused when `strict`.

    Raises:
        CommandError: it does not fit into 64 bits.
    """
    if isinstance(result, float):
        return result
    if not -_LONG <= result < _LONG:
        if strict:
            raise bad_value("the result does not fit into 64 bits")
        return float(result)
    long = any(isinstance(operand, Int64) for operand in operands) or not -(2**31) <= result < 2**31
    return Int64(result) if long else int(result)


def total(values: Iterable[Any]) -> Any:
    """The sum of what is a number among the values."""
    numbers = [number(value, "$sum") for value in values if is_number(value)]
    if any(isinstance(n, float) for n in numbers):
        finite = all(math.isfinite(n) for n in numbers)
        return math.fsum(numbers) if finite else float(sum(numbers))
    return whole(sum(numbers), numbers)


def mean(values: Iterable[Any]) -> float | None:
    """The mean of what is a number among the values, None without any."""
    numbers = [number(value, "$avg") for value in values if is_number(value)]
    return total(float(n) for n in numbers) / len(numbers) if numbers else None


def extreme(values: Iterable[Any], greatest: bool) -> Any:
    """The least or greatest value that is not null, None without any."""
    there = [value for value in values if not is_null(value)]
    return (max if greatest else min)(there, key=encode) if there else None


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


def _add(values: list[Any]) -> Any:
    if any(map(is_null, values)):
        return None
    dates = [value for value in values if isinstance(value, datetime.datetime)]
    if len(dates) > 1:
        raise type_mismatch("only one date allowed in an $add expression")
    numbers = [number(value, "$add") for value in values if not isinstance(value, datetime.datetime)]
    if dates:
        return dates[0] + datetime.timedelta(milliseconds=round(sum(numbers)))
    return whole(sum(numbers), numbers)


def _subtract(values: list[Any]) -> Any:
    one, other = values
    if is_null(one) or is_null(other):
        return None
    if isinstance(one, datetime.datetime):
        if isinstance(other, datetime.datetime):
            return Int64((one - other) // datetime.timedelta(milliseconds=1))
        return one - datetime.timedelta(milliseconds=round(number(other, "$subtract")))
    return whole(number(one, "$subtract") - number(other, "$subtract"), values)


def _multiply(values: list[Any]) -> Any:
    if any(map(is_null, values)):
        return None
    return whole(math.prod(number(value, "$multiply") for value in values), values)


def _divide(values: list[Any]) -> Any:
    if any(map(is_null, values)):
        return None
    one, other = (number(value, "$divide") for value in values)
    if other == 0:
        raise bad_value("can't $divide by zero")
    return float(one) / float(other)


def _remainder(values: list[Any]) -> Any:
    if any(map(is_null, values)):
        return None
    one, other = (number(value, "$mod") for value in values)
    if other == 0:
        raise bad_value("can't $mod by zero")
    if isinstance(one, float) or isinstance(other, float):
        return math.fmod(one, other)
    rest = abs(one) % abs(other)
    return whole(rest if one >= 0 else -rest, values)


def _rounded(operate: Callable[[float], Any], name: str) -> Callable[[list[Any]], Any]:
    def rounded(values: list[Any]) -> Any:
        if is_null(values[0]):
            return None
        value = number(values[0], name)
        if isinstance(value, float):
            return float(operate(value)) if math.isfinite(value) else value
        return whole(operate(value), values)

    return rounded


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
    "$add": (0, _ANY, _add),
    "$subtract": (2, 2, _subtract),
    "$multiply": (0, _ANY, _multiply),
    "$divide": (2, 2, _divide),
    "$mod": (2, 2, _remainder),
    "$abs": (1, 1, _rounded(abs, "$abs")),
    "$ceil": (1, 1, _rounded(math.ceil, "$ceil")),
    "$floor": (1, 1, _rounded(math.floor, "$floor")),
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

