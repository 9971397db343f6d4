"""Numbers as MongoDB adds them up: 32 and 64 bits and doubles kept apart, null passed on, all else refused."""

import datetime
import math
from collections.abc import Callable, Iterable
from typing import Any

from bson import Decimal128, Int64

from launchers.database.embedded.errors import CommandError, bad_value, not_supported, type_mismatch
from launchers.database.embedded.keys import MISSING, encode
from launchers.database.embedded.predicates import is_number, type_name

_LONG = 2**63


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


def add(values: list[Any]) -> Any:
    """`$add`: numbers, and one date."""
    if any(map(is_null, values)):
        return None
    dates = [value for value in values if isinstance(value, datetime.datetime)]
    if len(dates) > 1:
        raise type_mismatch("only one date allowed in an $add expression")
    numbers = [number(value, "$add") for value in values if not isinstance(value, datetime.datetime)]
    if dates:
        return dates[0] + datetime.timedelta(milliseconds=round(sum(numbers)))
    return whole(sum(numbers), numbers)


def subtract(values: list[Any]) -> Any:
    """`$subtract`: numbers, dates, or milliseconds from a date."""
    one, other = values
    if is_null(one) or is_null(other):
        return None
    if isinstance(one, datetime.datetime):
        if isinstance(other, datetime.datetime):
            return Int64((one - other) // datetime.timedelta(milliseconds=1))
        return one - datetime.timedelta(milliseconds=round(number(other, "$subtract")))
    return whole(number(one, "$subtract") - number(other, "$subtract"), values)


def multiply(values: list[Any]) -> Any:
    """`$multiply`."""
    if any(map(is_null, values)):
        return None
    return whole(math.prod(number(value, "$multiply") for value in values), values)


def divide(values: list[Any]) -> Any:
    """`$divide`: always a double."""
    if any(map(is_null, values)):
        return None
    one, other = (number(value, "$divide") for value in values)
    if other == 0:
        raise bad_value("can't $divide by zero")
    return float(one) / float(other)


def remainder(values: list[Any]) -> Any:
    """`$mod`, with the sign of the first, as in C."""
    if any(map(is_null, values)):
        return None
    one, other = (number(value, "$mod") for value in values)
    if other == 0:
        raise bad_value("can't $mod by zero")
    if isinstance(one, float) or isinstance(other, float):
        return math.fmod(one, other)
    rest = abs(one) % abs(other)
    return whole(rest if one >= 0 else -rest, values)


def rounded(operate: Callable[[float], Any], name: str) -> Callable[[list[Any]], Any]:
    """An operator that rounds a number; null stays null."""
    def result(values: list[Any]) -> Any:
        if is_null(values[0]):
            return None
        value = number(values[0], name)
        if isinstance(value, float):
            return float(operate(value)) if math.isfinite(value) else value
        return whole(operate(value), values)

    return result
