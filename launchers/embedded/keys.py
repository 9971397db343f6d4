"""Index keys: BSON values as bytes that sort as MongoDB sorts the values."""

import datetime
import math
import struct
from collections.abc import Mapping
from typing import Any, Final

from bson import DBRef, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

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
    """The values that an index sees at a dotted path, and whether an array lay on the way."""
    value = document
    for position, part in enumerate(parts):
        if isinstance(value, Mapping):
            if part not in value:
                return [MISSING], False
            value = value[part]
        elif isinstance(value, list):
            return _values_in(value, parts[position:]), True
        else:
            return [MISSING], False
    if isinstance(value, list):
        return (value or [EMPTY]), True
    return [value], False


def _values_in(array: list[Any], parts: tuple[str, ...]) -> list[Any]:
    found: list[Any] = []
    at_position = parts[0].isdigit() and int(parts[0]) < len(array)
    if at_position:
        found += values_at(array[int(parts[0])], parts[1:])[0]
    for element in array:
        if isinstance(element, Mapping) and not (at_position and parts[0] not in element):
            found += values_at(element, parts)[0]
    return found or [MISSING]


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
    """The bytes by which documents sort in `order`; of an array its least or greatest element counts."""
    return b"".join(
        min(encode(value, direction) for value in values_at(document, tuple(field.split(".")))[0])
        for field, direction in order
    )


def _encode(value: Any) -> bytes:
    encoder = _ENCODERS.get(type(value))
    if encoder is not None:
        return encoder(value)
    for kind, inherited in _ENCODERS.items():
        if isinstance(value, kind):
            return inherited(value)
    return b"\x7d" + _text(repr(value))


def _number(value: float) -> bytes:
    if value != value:
        return _NAN
    nearest = float(value) + 0.0
    bits = struct.unpack(">Q", struct.pack(">d", nearest))[0]
    bits = bits ^ 0xFFFFFFFFFFFFFFFF if bits >> 63 else bits | 0x8000000000000000
    rest = value - int(nearest) if isinstance(value, int) else 0
    return b"\x0a" + struct.pack(">QH", bits, rest + 0x8000)


def _text(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass").replace(b"\0", b"\0\xff") + b"\0\x01"


def _mapping(value: Mapping[str, Any]) -> bytes:
    pairs = b"".join(b"\x01" + _encode(item) + _text(name) for name, item in value.items())
    return b"\x14" + pairs + b"\0"


def _array(value: list[Any]) -> bytes:
    return b"\x19" + b"".join(b"\x01" + _encode(item) for item in value) + b"\0"


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
    Decimal128: lambda value: _number(float(value.to_decimal())),
    Timestamp: lambda value: b"\x32" + struct.pack(">II", value.time, value.inc),
    Regex: lambda value: b"\x37" + _text(str(value.pattern)) + struct.pack(">I", value.flags),
    DBRef: lambda value: _mapping(value.as_doc()),
    MinKey: lambda _: b"\x01",
    MaxKey: lambda _: b"\x7e",
    Mapping: _mapping,
}
