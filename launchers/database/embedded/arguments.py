"""The arguments of commands: what is heeded, what may be ignored, and what is refused because it changes answers."""

from collections.abc import Mapping
from typing import Any

from bson.raw_bson import RawBSONDocument

from launchers.database.embedded.errors import CommandError, bad_value, not_supported, type_mismatch
from launchers.database.embedded.expressions import expression
from launchers.database.embedded.indexes import Index
from launchers.database.embedded.predicates import whole_number
from launchers.database.embedded.storage import Collection
from launchers.database.embedded.wire import decode

# these change no answer of a single server without replicas
_IGNORED = {
    *("$db", "lsid", "$readPreference", "$clusterTime", "readConcern", "writeConcern", "comment", "maxTimeMS"),
    *("apiVersion", "apiStrict", "apiDeprecationErrors", "txnNumber", "stmtIds", "$audit", "$client"),
}
_HEEDED = {
    "find": {"filter", "sort", "skip", "limit", "projection", "batchSize", "singleBatch", "hint", "let", "collation"},
    "count": {"query", "skip", "limit", "hint", "collation", "fields"},
    "distinct": {"key", "query", "collation", "hint"},
    "aggregate": {"pipeline", "cursor", "hint", "let", "collation"},
    "insert": {"documents", "ordered"},
    "update": {"updates", "ordered", "let"},
    "delete": {"deletes", "ordered", "let"},
    "findAndModify": {
        *("query", "sort", "update", "remove", "new", "upsert", "fields", "arrayFilters", "hint", "let"),
        "collation",
    },
    "create": set(),
    "an update": {"q", "u", "multi", "upsert", "arrayFilters", "collation", "hint", "sort"},
    "a delete": {"q", "limit", "collation", "hint"},
}
# they ask for nothing but speed or patience, or hold here in any case
_HARMLESS = {"allowDiskUse", "noCursorTimeout", "bypassDocumentValidation", "oplogReplay", "allowPartialResults"}
_KNOWN = {name: heeded | _IGNORED | _HARMLESS | {name} for name, heeded in _HEEDED.items()}


def check(command: Mapping[str, Any], name: str) -> None:
    """Refuse arguments that this server would not heed.

    Raises:
        CommandError: there are such, or a transaction is asked for.
    """
    if command.get("startTransaction") or command.get("autocommit") is False:
        raise CommandError(20, "IllegalOperation", "the embedded database has no transactions")
    for argument in command.keys() - _KNOWN[name]:
        value = command[argument]
        if argument.lower() != name.lower() and value is not None and value is not False:
            raise not_supported(f"the argument {argument} of {name}")
    concern = command.get("writeConcern")
    if isinstance(concern, Mapping) and isinstance(concern.get("w"), int) and concern["w"] > 1:
        raise bad_value("cannot use 'w' > 1 when a host is not replicated")
    collation = command.get("collation")
    if collation and (not isinstance(collation, Mapping) or collation.get("locale") != "simple"):
        raise not_supported("collations")


def document(command: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An argument that is a document; empty where it is not given.

    Raises:
        CommandError: it is something else.
    """
    value = command.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise type_mismatch(f"{name} must be a document")
    return value


def plain(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    """An operation of a bulk command, decoded."""
    return decode(bytes(operation.raw)) if isinstance(operation, RawBSONDocument) else operation


def natural(command: Mapping[str, Any], name: str) -> int:
    """An argument that is a whole number, not negative; 0 where it is not given.

    Raises:
        CommandError: it is something else.
    """
    value = whole_number(command.get(name) or 0, name)
    if value < 0:
        raise CommandError(51024, "Location51024", f"{name} must not be negative")
    return value


def variables(command: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of `let`, computed.

    Raises:
        CommandError: an expression that needs a document.
    """
    given = document(command, "let")
    for name in given:
        if not name[:1].islower() or not name.replace("_", "").isalnum():
            raise bad_value(f"'{name}' is no valid name of a variable")
    return {name: expression(value, set())({}, {}) for name, value in given.items()}


def check_hint(command: Mapping[str, Any], collection: Collection | None) -> None:
    """Refuse a hint that names no index, or one that does not hold every document: the answer would depend on it.

    Raises:
        CommandError: so it is.
    """
    hint = command.get("hint")
    if not hint or collection is None or hint == "$natural":
        return
    if isinstance(hint, Mapping) and next(iter(hint)) == "$natural":
        return
    index = next((index for index in collection.indexes if is_named(index, hint)), None)
    if index is None:
        raise bad_value(f"hint provided does not correspond to an existing index: {hint}")
    if not index.complete:
        raise not_supported("a hint at a sparse or partial index")


def is_named(index: Index, hint: Any) -> bool:
    """Whether an index is the one of a name, or of keys in their order."""
    if isinstance(hint, Mapping):
        return list(hint.items()) == list(index.spec["key"].items())
    return bool(index.name == hint)
