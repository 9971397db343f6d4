"""Filters, updates, projections and pipelines on single documents: mongomock-ng, which keeps nothing here."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import mongomock_ng
from bson import ObjectId
from mongomock_ng import aggregate, filtering
from mongomock_ng.collection import _updaters

from launchers.embedded.errors import CommandError, bad_value, of_evaluation
from launchers.embedded.keys import MISSING, encode, is_scalar, values_at

warnings.filterwarnings("ignore", module="mongomock_ng")


def _scratch() -> Any:
    """A collection of mongomock without documents, for its operators."""
    return mongomock_ng.MongoClient().scratch.scratch


_operators = _scratch()
_UPDATE_OPERATORS = set(_updaters) | {
    *("$rename", "$setOnInsert", "$currentDate", "$addToSet", "$pull", "$pullAll", "$push"),
}


class Filter:
    """A filter, ready for many documents: equalities by keys, the rest by mongomock-ng.

    `simple` says that it looks at single fields only, so that a `view` of a document is enough.

    Raises:
        CommandError: on construction for operators that would run code; on use for what cannot be evaluated.
    """

    def __init__(self, criteria: Mapping[str, Any]) -> None:
        refuse_code(criteria)
        self._rest: dict[str, Any] = {}
        self._equal: list[tuple[tuple[str, ...], frozenset[bytes]]] = []
        self._there: list[tuple[tuple[str, ...], bool]] = []
        for name, value in criteria.items():
            self._add(name, value)
        self.simple = not self._rest

    def _add(self, name: str, value: Any) -> None:
        parts = tuple(name.split("."))
        wanted: Any = [value] if is_scalar(value) else None
        if isinstance(value, Mapping) and set(value) == {"$in"}:
            wanted = value["$in"]
        if name.startswith("$"):
            self._rest[name] = value
        elif isinstance(wanted, list) and all(map(is_scalar, wanted)):
            self._equal.append((parts, frozenset(map(encode, wanted))))
        elif isinstance(value, Mapping) and set(value) == {"$exists"}:
            self._there.append((parts, bool(value["$exists"])))
        else:
            self._rest[name] = value

    def __call__(self, document: Mapping[str, Any]) -> bool:
        """Whether a document passes."""
        return self.may_pass(document) and self.rest_passes(document)

    def may_pass(self, document: Mapping[str, Any]) -> bool:
        """Whether a document passes what a `view` of it tells."""
        for parts, keys in self._equal:
            if not any(encode(value) in keys for value in values_at(document, parts)[0]):
                return False
        for parts, wanted in self._there:
            if any(value is not MISSING for value in values_at(document, parts)[0]) != wanted:
                return False
        return True

    def rest_passes(self, document: Mapping[str, Any]) -> bool:
        """Whether a document passes what only mongomock-ng can tell."""
        try:
            return not self._rest or bool(filtering.filter_applies(self._rest, document))
        except Exception as error:
            raise of_evaluation(error) from error


def kept_whole(fields: Mapping[str, Any]) -> set[str] | None:
    """The top-level fields that a projection keeps, None for a projection that is not so simple."""
    names = {name for name in fields if name != "_id"}
    identity = fields.get("_id", 1)
    if (
        not names
        or isinstance(identity, (dict, str))
        or not all(_is_plain(name, fields[name]) for name in names)
    ):
        return None
    return names | {"_id"} if identity else names


def project(
    document: dict[str, Any], fields: Mapping[str, Any], criteria: Mapping[str, Any]
) -> dict[str, Any]:
    """A document with the fields that a projection leaves."""
    try:
        return _operators._copy_only_fields(document, dict(fields), dict, filter=criteria)
    except Exception as error:
        raise of_evaluation(error) from error


def _is_plain(name: str, value: Any) -> bool:
    return "." not in name and "$" not in name and not isinstance(value, (dict, str)) and bool(value)


def is_replacement(change: Any) -> bool:
    """Whether an update replaces the whole document."""
    return isinstance(change, Mapping) and not any(name.startswith("$") for name in change)


def updated(
    document: dict[str, Any],
    criteria: Mapping[str, Any],
    change: Any,
    array_filters: list[Any] | None = None,
) -> dict[str, Any]:
    """A document after an update; `document` itself may be changed.

    Raises:
        CommandError: an unknown operator, or an update that would change `_id`.
    """
    identity = document["_id"]
    if is_replacement(change):
        changed = {"_id": identity, **change}
    else:
        changed = document
        _apply(changed, criteria, change, array_filters)
    if changed.get("_id") != identity:
        raise CommandError(66, "ImmutableField", "the (immutable) field '_id' was found to have been altered")
    return changed


def _apply(document: dict[str, Any], criteria: Mapping[str, Any], change: Any, array_filters: Any) -> None:
    if isinstance(change, Mapping) and not all(name.startswith("$") for name in change):
        raise CommandError(9, "FailedToParse", "an update is either operators or a whole document, not both")
    unknown = set(change) - _UPDATE_OPERATORS if isinstance(change, Mapping) else set()
    if unknown:
        raise CommandError(
            9, "FailedToParse", f"the embedded database has no update operator {sorted(unknown)}"
        )
    _operators._current_array_filters = array_filters or []
    try:
        if isinstance(change, list):
            _operators._apply_update_pipeline(document, change, None)
        else:
            _operators._apply_update_document(document, criteria, change, False)
    except Exception as error:
        raise of_evaluation(error) from error
    finally:
        _operators._current_array_filters = None


def upserted(
    criteria: Mapping[str, Any], change: Any, array_filters: list[Any] | None = None
) -> dict[str, Any]:
    """The document that an upsert inserts when nothing matches."""
    if is_replacement(change):
        wanted = criteria.get("_id")
        identity = change.get("_id", ObjectId() if wanted is None or isinstance(wanted, dict) else wanted)
        return {"_id": identity, **change}
    collection = _scratch()
    try:
        collection._update(_flattened(criteria), change, upsert=True, array_filters=array_filters)
    except Exception as error:
        raise of_evaluation(error) from error
    document = next(iter(collection._store.documents))
    return {"_id": document["_id"], **document}


def _flattened(criteria: Mapping[str, Any]) -> dict[str, Any]:
    """A filter with only what an upsert copies: its equalities."""
    flat: dict[str, Any] = {}
    for name, value in criteria.items():
        if name == "$and":
            for part in value:
                flat |= _flattened(part)
        elif isinstance(value, Mapping) and set(value) == {"$eq"}:
            flat[name] = value["$eq"]
        elif not name.startswith("$") and not (
            isinstance(value, Mapping) and any(str(operator).startswith("$") for operator in value)
        ):
            flat[name] = value
    return flat


def pipeline(
    documents: Iterable[dict[str, Any]], database: Any, stages: list[Any]
) -> Iterator[dict[str, Any]]:
    """What a pipeline makes of documents; `database` answers `get_collection(name).find(filter)`."""
    for stage in stages:
        if set(stage) & {"$out", "$merge"}:
            raise of_evaluation(NotImplementedError("$out and $merge"))
        refuse_code(stage)
    try:
        yield from aggregate.process_pipeline(documents, database, stages, None)
    except CommandError:
        raise
    except Exception as error:
        raise of_evaluation(error) from error


def refuse_code(value: Any) -> None:
    """Refuse operators that would run code of the client in the server."""
    if isinstance(value, Mapping):
        if value.keys() & {"$where", "$function", "$accumulator"}:
            raise bad_value("the embedded database evaluates no code: $where, $function, $accumulator")
        for item in value.values():
            refuse_code(item)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, (Mapping, list)):
                refuse_code(item)
