"""Index keys: BSON values as bytes that sort as MongoDB sorts the values, equal where the values are."""

import datetime
import decimal
import itertools
import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bson import Binary, Code, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from launchers.database.embedded.errors import CommandError, not_supported

MISSING: Final = type("Missing", (), {"__repr__": lambda _: "MISSING"})()
EMPTY: Final = type("Empty", (), {"__repr__": lambda _: "EMPTY"})()

_INVERT = bytes(255 - i for i in range(256))
_EPOCH = datetime.datetime(1970, 1, 1)
_MILLISECOND = datetime.timedelta(milliseconds=1)
_NAN = b"\x0a" + bytes(10)
_NULL = b"\x05"

# the types that an equality or a range on an index can stand for
_SCALARS = (str, int, float, ObjectId, datetime.datetime, bytes, DatetimeMS)


def is_scalar(value: Any) -> bool:
    """Whether equality with `value` means equality of index keys."""
    return isinstance(value, _SCALARS) and not (isinstance(value, float) and math.isnan(value))


def values_at(document: Any, parts: tuple[str, ...]) -> tuple[list[Any], bool]:
    """The values that an index sees at a dotted path, and whether an array lay on the way.

    An element of an array that is no document counts as one without the field.
    """
    value = document
    for position, part in enumerate(parts):
        if isinstance(value, Mapping):
            if part not in value:
                return [MISSING], False
            value = value[part]
        elif isinstance(value, list):
            return _values_in(value, parts[position:]), True
        elif isinstance(value, DBRef):
            return values_at(value.as_doc(), parts[position:])
        else:
            return [MISSING], False
    if isinstance(value, list):
        return (value or [EMPTY]), True
    return [value], False


def _values_in(array: list[Any], parts: tuple[str, ...]) -> list[Any]:
    chosen = at_position(array, parts[0])
    if chosen is not MISSING:
        return values_at(chosen, parts[1:])[0] if parts[1:] else [_named(chosen)]
    found: list[Any] = []
    for element in array:
        found += values_at(element, parts)[0] if isinstance(element, (Mapping, DBRef)) else [MISSING]
    return found or [MISSING]


def _named(chosen: Any) -> Any:
    """An element that a path names by its position and ends with: an array stays whole, unless it is empty."""
    return EMPTY if chosen == [] else chosen


def at_position(array: list[Any], part: str) -> Any:
    """The element that a numeric part of a path names, MISSING where it names none.

    Raises:
        CommandError: documents in the array have a field of that name too.
    """
    index = position_of(part)
    if index is None or index >= len(array):
        return MISSING
    if any(isinstance(element, Mapping) and part in element for element in array):
        raise CommandError(16746, "Location16746", f"Ambiguous field name found in array, field: '{part}'")
    return array[index]


def position_of(part: str) -> int | None:
    """The position in an array that a part of a path names, None where it names a field only."""
    digits = part.isascii() and part.isdigit() and (part == "0" or part[0] != "0")
    return int(part) if digits else None


def key_tuples(document: Any, paths: list[tuple[str, ...]]) -> Iterator[tuple[Any, ...]]:
    """The values of several paths together: one tuple for each element of the array that they share.

    Raises:
        CommandError: two of the paths go through different arrays.
    """
    values: list[Any] = [None] * len(paths)
    arrays: dict[int, tuple[list[Any], tuple[str, ...]]] = {}
    for number, path in enumerate(paths):
        values[number], rest = _until_array(document, path)
        if rest is not None:
            arrays[number] = values[number], rest
    if not arrays:
        yield tuple(values)
        return
    if len({id(array) for array, _ in arrays.values()}) > 1:
        raise CommandError(171, "CannotIndexParallelArrays", "cannot index parallel arrays")
    for element in next(iter(arrays.values()))[0] or [MISSING]:
        for found in _of_element(element, arrays):
            yield tuple(found.get(number, value) for number, value in enumerate(values))


def _of_element(
    element: Any, arrays: dict[int, tuple[list[Any], tuple[str, ...]]]
) -> Iterator[dict[int, Any]]:
    """What the paths that met an array find through one of its elements."""
    ended: dict[int, Any] = {}
    holders: dict[int, tuple[Any, list[int], list[tuple[str, ...]]]] = {}
    for number, (array, rest) in arrays.items():
        if not rest:
            ended[number] = EMPTY if element is MISSING else element
            continue
        holder = at_position(array, rest[0])
        if holder is MISSING:
            holder = element if isinstance(element, (Mapping, DBRef)) else MISSING
        else:
            # a numeric part names one element, whichever this is
            rest = rest[1:]
            if not rest:
                ended[number] = _named(holder)
                continue
        _, numbers, paths = holders.setdefault(id(holder), (holder, [], []))
        numbers.append(number)
        paths.append(rest)
    groups = [
        [dict(zip(numbers, found, strict=True)) for found in key_tuples(holder, paths)]
        for holder, numbers, paths in holders.values()
    ]
    if sum(len(group) > 1 for group in groups) > 1:
        raise CommandError(171, "CannotIndexParallelArrays", "cannot index parallel arrays")
    for parts in itertools.product(*groups):
        yield ended | {number: value for part in parts for number, value in part.items()}


def _until_array(value: Any, path: tuple[str, ...]) -> tuple[Any, tuple[str, ...] | None]:
    """The value at a path, or the first array on it and what is left of the path."""
    for position, part in enumerate(path):
        if isinstance(value, list):
            return value, path[position:]
        if isinstance(value, DBRef):
            value = value.as_doc()
        if not isinstance(value, Mapping) or part not in value:
            return MISSING, None
        value = value[part]
    return value, () if isinstance(value, list) else None


def encode(value: Any, direction: int = 1) -> bytes:
    """One value as bytes: smaller values give smaller bytes, or larger ones when `direction` is negative."""
    key = _encode(value)
    return key if direction > 0 else key.translate(_INVERT)


def type_range(value: Any, direction: int = 1) -> tuple[bytes, bytes]:
    """The keys between which all values of the type of `value` lie."""
    tag = _encode(value)[0]
    if direction > 0:
        return bytes([tag]), bytes([tag + 1])
    return bytes([255 - tag]), bytes([256 - tag])


def sort_key(document: Mapping[str, Any], order: list[tuple[str, int]]) -> bytes:
    """The bytes by which documents sort in `order`; of an array its least or greatest element counts.

    Raises:
        CommandError: the order goes through two different arrays.
    """
    directions = [direction for _, direction in order]
    if len(order) == 1:
        values, _ = values_at(document, tuple(order[0][0].split(".")))
        return min(encode(value, directions[0]) for value in values)
    paths = [tuple(name.split(".")) for name, _ in order]
    try:
        return min(
            b"".join(map(encode, values, directions)) for values in key_tuples(document, paths)
        )
    except CommandError as error:
        if error.code == 171:
            raise CommandError(2, "BadValue", "cannot sort with keys that are parallel arrays") from error
        raise


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal as MongoDB compares them: 1 and 1.0 are, 1 and true are not."""
    return encode(one) == encode(other)


def _encode(value: Any) -> bytes:
    encoder = _ENCODERS.get(type(value))
    if encoder is not None:
        return encoder(value)
    for kind, inherited in _ENCODERS.items():
        if isinstance(value, kind):
            return inherited(value)
    raise not_supported(f"comparing a {type(value).__name__}")


def _number(value: float) -> bytes:
    if value != value:
        return _NAN
    nearest = float(value) + 0.0
    bits = struct.unpack(">Q", struct.pack(">d", nearest))[0]
    bits = bits ^ 0xFFFFFFFFFFFFFFFF if bits >> 63 else bits | 0x8000000000000000
    rest = value - int(nearest) if isinstance(value, int) else 0
    return b"\x0a" + struct.pack(">QH", bits, rest + 0x8000)


def _decimal(value: Decimal128) -> bytes:
    exact = value.to_decimal()
    if exact.is_nan():
        return _NAN
    if exact == exact.to_integral_value() and abs(exact) < 2**63:
        return _number(int(exact))
    nearest = float(exact)
    if decimal.Decimal(nearest) != exact:
        raise not_supported(f"comparing the decimal {value}, which no double equals")
    return _number(nearest)


def _text(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass").replace(b"\0", b"\0\xff") + b"\0\x01"


def _mapping(value: Mapping[str, Any]) -> bytes:
    # field by field: first the kind of its value, then its name, then its value
    parts = [b"\x14"]
    for name, item in value.items():
        key = _encode(item)
        parts += (key[:1], _text(name), key[1:])
    parts.append(b"\0")
    return b"".join(parts)


def _array(value: list[Any]) -> bytes:
    return b"\x19" + b"".join(b"\x01" + _encode(item) for item in value) + b"\0"


def _code(value: Code) -> bytes:
    return b"\x39" + _text(str(value)) if value.scope is None else b"\x3a" + _text(str(value)) + _mapping(value.scope)


def _binary(value: bytes) -> bytes:
    subtype = getattr(value, "subtype", 0)
    return b"\x1e" + struct.pack(">IB", len(value), subtype) + bytes(value)


def _milliseconds(value: int) -> bytes:
    return b"\x2d" + struct.pack(">Q", value + (1 << 63))


def _moment(value: datetime.datetime) -> bytes:
    naive = value.astimezone(datetime.UTC).replace(tzinfo=None) if value.tzinfo else value
    return _milliseconds((naive - _EPOCH) // _MILLISECOND)


_ENCODERS: dict[type, Any] = {
    type(None): lambda _: _NULL,
    type(MISSING): lambda _: _NULL,
    type(EMPTY): lambda _: b"\x03",
    str: lambda value: b"\x0f" + _text(value),
    bool: lambda value: b"\x28\x01" if value else b"\x28\x00",
    int: _number,
    float: _number,
    ObjectId: lambda value: b"\x23" + value.binary,
    datetime.datetime: _moment,
    DatetimeMS: lambda value: _milliseconds(int(value)),
    dict: _mapping,
    list: _array,
    bytes: _binary,
    Binary: _binary,
    Int64: _number,
    RawBSONDocument: _mapping,
    Decimal128: _decimal,
    Code: _code,
    Timestamp: lambda value: b"\x32" + struct.pack(">II", value.time, value.inc),
    Regex: lambda value: b"\x37" + _text(str(value.pattern)) + struct.pack(">I", value.flags),
    DBRef: lambda value: _mapping(value.as_doc()),
    MinKey: lambda _: b"\x01",
    MaxKey: lambda _: b"\x7e",
    Mapping: _mapping,
}
