"""The operators of an update on one value: what becomes of it."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bson import Decimal128, Int64, Timestamp

from launchers.database.embedded.arithmetic import whole
from launchers.database.embedded.array_modifiers import add_to_set, pop, pull, pull_all, push
from launchers.database.embedded.errors import bad_value, failed_to_parse, not_supported, type_mismatch
from launchers.database.embedded.keys import MISSING, encode
from launchers.database.embedded.predicates import is_number, type_name

# what becomes of the value at a path: MISSING takes the field away; None of it is changed in place
Change = Callable[[Any], Any]


@dataclass(frozen=True)
class Modifier:
    """One operator with its argument; `creates` says that it makes a path that is not there.

    `tolerant` says that it takes no offence at a path that could not be made.
    """

    change: Change
    creates: bool = True
    tolerant: bool = False
    on_insert_only: bool = False


def modifier(operator: str, argument: Any) -> Modifier:
    """The modifier of an operator.

    Raises:
        CommandError: an argument that makes no sense.
    """
    if operator == "$set":
        return Modifier(lambda _: argument)
    if operator == "$setOnInsert":
        return Modifier(lambda _: argument, on_insert_only=True)
    if operator == "$unset":
        return Modifier(lambda _: MISSING, creates=False, tolerant=True)
    make, creates = _MODIFIERS[operator]
    return Modifier(make(argument), creates)


def _number(argument: Any, operator: str) -> Any:
    if isinstance(argument, Decimal128):
        raise not_supported(f"arithmetic with Decimal128 ({operator})")
    if not is_number(argument):
        raise type_mismatch(f"Cannot apply {operator} with a non-numeric argument: {argument!r}")
    return argument


def _arithmetic(operator: str, operate: Callable[[Any, Any], Any], start: int) -> Callable[[Any], Change]:
    def make(argument: Any) -> Change:
        by = _number(argument, operator)

        def change(value: Any) -> Any:
            if value is MISSING:
                return whole(operate(start, by), (by,), strict=True) if not isinstance(by, float) else operate(start, by)
            if not is_number(value):
                raise type_mismatch(f"Cannot apply {operator} to a value of non-numeric type {type_name(value)}")
            return whole(operate(_number(value, operator), by), (value, by), strict=True)

        return change

    return make


def _extreme(greatest: bool) -> Callable[[Any], Change]:
    def make(argument: Any) -> Change:
        key = encode(argument)

        def change(value: Any) -> Any:
            if value is MISSING:
                return argument
            found = encode(value)
            return argument if found != key and (key > found) == greatest else value

        return change

    return make


def _current_date(argument: Any) -> Change:
    kind = argument.get("$type") if isinstance(argument, Mapping) and set(argument) == {"$type"} else argument
    if kind not in ("date", "timestamp") and not isinstance(kind, bool):
        raise bad_value("$currentDate needs a boolean, or $type: date or timestamp")

    def change(_: Any) -> Any:
        now = datetime.datetime.now(datetime.UTC)
        return Timestamp(int(now.timestamp()), 1) if kind == "timestamp" else now

    return change


def _bits(argument: Any) -> Change:
    operations = {"and": int.__and__, "or": int.__or__, "xor": int.__xor__}
    if not isinstance(argument, Mapping) or not argument or set(argument) - set(operations):
        raise bad_value("$bit needs a document of and, or, xor")
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in argument.values()):
        raise bad_value("the arguments of $bit must be integers")

    def change(value: Any) -> Any:
        if value is MISSING:
            value = 0
        if not isinstance(value, int) or isinstance(value, bool):
            raise bad_value(f"Cannot apply $bit to a value of non-integral type {type_name(value)}")
        long = isinstance(value, Int64) or any(isinstance(n, Int64) for n in argument.values())
        for name, number in argument.items():
            value = operations[name](int(value), int(number))
        return Int64(value) if long else value

    return change


_MODIFIERS: dict[str, tuple[Callable[[Any], Change], bool]] = {
    "$inc": (_arithmetic("$inc", lambda a, b: a + b, 0), True),
    "$mul": (_arithmetic("$mul", lambda a, b: a * b, 0), True),
    "$min": (_extreme(False), True),
    "$max": (_extreme(True), True),
    "$currentDate": (_current_date, True),
    "$bit": (_bits, True),
    "$push": (push, True),
    "$addToSet": (add_to_set, True),
    "$pull": (pull, False),
    "$pullAll": (pull_all, False),
    "$pop": (pop, False),
}
OPERATORS = {"$set", "$setOnInsert", "$unset", "$rename", *_MODIFIERS}


def check_operands(change: Mapping[str, Any]) -> None:
    """Refuse an update whose operators are unknown, or have no document of fields.

    Raises:
        CommandError: so it is.
    """
    for operator, fields in change.items():
        if operator not in OPERATORS:
            raise failed_to_parse(f"Unknown modifier: {operator}")
        if not isinstance(fields, Mapping):
            raise failed_to_parse(f"Modifiers operate on fields but we found type {type_name(fields)} instead")
