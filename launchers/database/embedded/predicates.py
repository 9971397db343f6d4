"""The operators of a filter on one value: comparisons within a type, membership, types, patterns."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from bson import Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from launchers.database.embedded.errors import bad_value, failed_to_parse
from launchers.database.embedded.keys import MISSING, encode
from launchers.database.embedded.patterns import pattern

Predicate = Callable[[Any], bool]

_TYPES: dict[str, tuple[int, Predicate]] = {
    "double": (1, lambda v: isinstance(v, float)),
    "string": (2, lambda v: isinstance(v, str) and not isinstance(v, Code)),
    "object": (3, lambda v: isinstance(v, Mapping)),
    "array": (4, lambda v: isinstance(v, list)),
    "binData": (5, lambda v: isinstance(v, bytes)),
    "objectId": (7, lambda v: isinstance(v, ObjectId)),
    "bool": (8, lambda v: isinstance(v, bool)),
    "date": (9, lambda v: encode(v)[0] == 0x2D),
    "null": (10, lambda v: v is None),
    "regex": (11, lambda v: isinstance(v, Regex)),
    "javascript": (13, lambda v: isinstance(v, Code)),
    "int": (16, lambda v: isinstance(v, int) and not isinstance(v, (bool, Int64))),
    "timestamp": (17, lambda v: isinstance(v, Timestamp)),
    "long": (18, lambda v: isinstance(v, Int64)),
    "decimal": (19, lambda v: isinstance(v, Decimal128)),
    "minKey": (-1, lambda v: isinstance(v, MinKey)),
    "maxKey": (127, lambda v: isinstance(v, MaxKey)),
}
_BY_NUMBER = {number: name for name, (number, _) in _TYPES.items()}


def is_number(value: Any) -> bool:
    """Whether a value is a number to MongoDB: true is none."""
    return isinstance(value, (int, float, Decimal128)) and not isinstance(value, bool)


def whole_number(value: Any, what: str) -> int:
    """A number without a fraction, as an int.

    Raises:
        CommandError: it is something else.
    """
    if not is_number(value) or isinstance(value, Decimal128) or value != value or int(value) != value:
        raise bad_value(f"{what} must be a whole number")
    return int(value)


def equals(wanted: Any) -> Predicate:
    """Equality: of null also with what is missing."""
    if wanted is None:
        return lambda value: value is None or value is MISSING
    if type(wanted) is str:
        return lambda value: value == wanted and type(value) is str
    key = encode(wanted)
    return lambda value: value is not MISSING and encode(value) == key


def is_in(wanted: Any) -> Predicate:
    """Membership in a list of values and patterns.

    Raises:
        CommandError: no list, or one of operators.
    """
    if not isinstance(wanted, list):
        raise bad_value("$in needs an array")
    for value in wanted:
        if isinstance(value, Mapping) and str(next(iter(value), "")).startswith("$"):
            raise bad_value("cannot nest $ under $in")
    found = [matches(pattern(value)) for value in wanted if isinstance(value, Regex)]
    keys = frozenset(map(encode, wanted))
    null = None in wanted

    def member(value: Any) -> bool:
        if value is MISSING:
            return null
        return encode(value) in keys or any(one(value) for one in found)

    return member


def compares(operator: str, wanted: Any) -> Predicate:
    """One of `$gt`, `$gte`, `$lt`, `$lte`: only values of the kind of `wanted` pass.

    Raises:
        CommandError: nothing is greater or less than a pattern.
    """
    if isinstance(wanted, Regex):
        raise bad_value(f"Can't have RegEx as arg to predicate over field: {operator}")
    equal, greater = operator.endswith("e"), operator.startswith("$gt")
    if wanted is None:
        return equals(None) if equal else lambda _: False
    if isinstance(wanted, float) and math.isnan(wanted):
        return equals(wanted) if equal else lambda _: False
    key = encode(wanted)
    any_kind = isinstance(wanted, (MinKey, MaxKey))
    nan = encode(math.nan)

    def passes(value: Any) -> bool:
        if value is MISSING:
            return False
        found = encode(value)
        if found[0] != key[0] and not any_kind:
            return False
        if found == key:
            return equal
        return found != nan and (found > key) == greater

    return passes


def matches(wanted: re.Pattern[str]) -> Predicate:
    """Strings in which a pattern is found, and the same pattern itself."""

    def found(value: Any) -> bool:
        return isinstance(value, str) and not isinstance(value, Code) and wanted.search(value) is not None

    return found


def regular_expression(value: Regex) -> Predicate:
    """What a pattern in the place of a value stands for: strings that have it, or itself."""
    same, found = equals(value), matches(pattern(value))
    return lambda one: found(one) or (isinstance(one, Regex) and same(one))


def has_type(wanted: Any) -> Predicate:
    """`$type`, by names or numbers.

    Raises:
        CommandError: there is no such type.
    """
    wanted = wanted if isinstance(wanted, list) else [wanted]
    if not wanted:
        raise failed_to_parse("$type must match at least one type")
    tests = [_type(one) for one in wanted]
    return lambda value: value is not MISSING and any(test(value) for test in tests)


def _type(wanted: Any) -> Predicate:
    if wanted == "number":
        return is_number
    if is_number(wanted):
        wanted = _BY_NUMBER.get(whole_number(wanted, "a type"))
    if not isinstance(wanted, str) or wanted not in _TYPES:
        raise bad_value(f"unknown or unsupported type in $type: {wanted}")
    return _TYPES[wanted][1]


def type_name(value: Any) -> str:
    """The name that `$type` of an expression gives a value."""
    if value is MISSING:
        return "missing"
    if isinstance(value, DatetimeMS):
        return "date"
    return next(name for name, (_, test) in _TYPES.items() if test(value))


def modulo(wanted: Any) -> Predicate:
    """`$mod`: numbers that leave a remainder.

    Raises:
        CommandError: not a divisor and a remainder.
    """
    if not isinstance(wanted, list) or len(wanted) != 2 or not all(map(is_number, wanted)):
        raise bad_value("malformed mod: it needs a divisor and a remainder")
    if any(isinstance(n, Decimal128) or not math.isfinite(n) for n in wanted):
        raise bad_value("malformed mod: numbers must be finite")
    divisor, remainder = (int(number) for number in wanted)
    if divisor == 0:
        raise bad_value("divisor cannot be 0")

    def leaves(value: Any) -> bool:
        if not is_number(value) or isinstance(value, Decimal128) or not math.isfinite(value):
            return False
        # the sign is that of the number, as in C
        found = abs(int(value)) % abs(divisor)
        return (found if value >= 0 else -found) == remainder

    return leaves
