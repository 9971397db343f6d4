"""What a filter sees at a dotted path: every value, through arrays, as MongoDB's matcher walks."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bson import DBRef

from launchers.database.embedded.keys import MISSING, position_of

# a value, and the position in the outermost array that was gone through to it, if any
Seen = tuple[Any, int | None]


# stands for more than one value
THROUGH: Final = type("Through", (), {})()


def plain_at(document: Mapping[str, Any], parts: tuple[str, ...]) -> Any:
    """The one value at a path that meets no array, THROUGH where it meets one."""
    value: Any = document
    for part in parts:
        if not isinstance(value, Mapping):
            return THROUGH if isinstance(value, (list, DBRef)) else MISSING
        value = value.get(part, MISSING)
    return THROUGH if isinstance(value, list) else value


def seen(document: Mapping[str, Any], parts: tuple[str, ...], traverse: bool) -> Iterator[Seen]:
    """The values at a path, MISSING where a document has none; with `traverse` also the elements of an array at its end.

    An array without documents in it, in the middle of the path, gives nothing at all.
    """
    value: Any = document
    for position, part in enumerate(parts):
        if isinstance(value, DBRef):
            value = value.as_doc()
        if isinstance(value, Mapping):
            value = value.get(part, MISSING)
            if value is MISSING:
                yield MISSING, None
                return
        elif isinstance(value, list):
            yield from _through(value, parts[position:], traverse)
            return
        else:
            yield MISSING, None
            return
    if traverse and isinstance(value, list):
        yield from ((element, number) for number, element in enumerate(value))
    yield value, None


def _through(array: list[Any], parts: tuple[str, ...], traverse: bool) -> Iterator[Seen]:
    index = position_of(parts[0])
    for number, element in enumerate(array):
        if isinstance(element, DBRef):
            element = element.as_doc()
        if isinstance(element, Mapping):
            yield from ((value, number) for value, _ in seen(element, parts, traverse))
        if number != index:
            continue
        if len(parts) == 1:
            # an array that is named by its position is not looked into
            yield element, None
        elif isinstance(element, Mapping):
            yield from seen(element, parts[1:], traverse)
        elif isinstance(element, list):
            yield from _through(element, parts[1:], traverse)
