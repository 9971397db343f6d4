"""`$unwind`: a document for each element of an array."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from bson import Int64

from launchers.database.embedded.errors import CommandError, not_supported
from launchers.database.embedded.keys import MISSING
from launchers.database.embedded.projecting import place


def unwinding(value: Any) -> Callable[[Iterable[Mapping[str, Any]]], Iterator[Mapping[str, Any]]]:
    """The stage, with `includeArrayIndex` and `preserveNullAndEmptyArrays`.

    Raises:
        CommandError: no path, or an option that is not known; on use for a path through an array.
    """
    given = value if isinstance(value, Mapping) else {"path": value}
    path, index = given.get("path"), given.get("includeArrayIndex")
    if set(given) - {"path", "includeArrayIndex", "preserveNullAndEmptyArrays"}:
        raise CommandError(28811, "Location28811", f"unrecognized option to $unwind: {list(given)}")
    if not isinstance(path, str) or not path.startswith("$") or path.startswith("$$"):
        raise CommandError(28818, "Location28818", "path option to $unwind stage should be prefixed with a '$'")
    if index is not None and (not isinstance(index, str) or not index or index.startswith("$") or "." in index):
        raise not_supported(f"includeArrayIndex: {index}")
    parts, preserve = tuple(path[1:].split(".")), bool(given.get("preserveNullAndEmptyArrays"))

    def one(document: Mapping[str, Any], item: Any, number: int | None, change: bool = True) -> Mapping[str, Any]:
        made = dict(document)
        if change:
            place(made, parts, item)
        if index is not None:
            made[index] = None if number is None else Int64(number)
        return made

    def unwound(documents: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        for document in documents:
            item = _plain_at(document, parts)
            if isinstance(item, list) and item:
                for number, element in enumerate(item):
                    yield one(document, element, number)
            elif isinstance(item, list):
                if preserve:
                    yield one(document, MISSING, None)
            elif (item is not None and item is not MISSING) or preserve:
                yield one(document, item, None, change=False)

    return unwound


def _plain_at(value: Any, parts: tuple[str, ...]) -> Any:
    for part in parts:
        if isinstance(value, list):
            raise not_supported("$unwind of a path through an array")
        if not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return value
