"""Writing: insert, update, delete, find-and-modify, one operation at a time."""

from collections.abc import Callable, Mapping
from typing import Any

import bson
from bson import ObjectId, Regex, Timestamp
from bson.raw_bson import RawBSONDocument

from launchers.database.embedded import arguments
from launchers.database.embedded.errors import CommandError, bad_value, failed_to_parse, not_supported
from launchers.database.embedded.matching import Filter
from launchers.database.embedded.planning import Query
from launchers.database.embedded.projecting import Projection
from launchers.database.embedded.reading import Found, Joined, Reader
from launchers.database.embedded.stages import ordering
from launchers.database.embedded.storage import Collection, Storage
from launchers.database.embedded.updating import Update, is_replacement
from launchers.database.embedded.upserting import upserted
from launchers.database.embedded.wire import decode, view

Reply = dict[str, Any]

# the byte that says in BSON that a timestamp follows
_TIMESTAMP = b"\x11"


class Writer:
    """Writes one collection, within a transaction of the caller."""

    def __init__(self, storage: Storage, database: str, name: str) -> None:
        self._storage = storage
        self._database, self._name = database, name

    def _collection(self) -> Collection:
        return self._storage.created(self._database, self._name)

    def _reader(self) -> Reader:
        return Reader(self._storage, self._storage.collection(self._database, self._name))

    def insert(self, command: Mapping[str, Any]) -> Reply:
        """The `insert` command."""
        arguments.check(command, "insert")
        self._collection()
        return self._each(command, "documents", self._insert_one)

    def update(self, command: Mapping[str, Any]) -> Reply:
        """The `update` command."""
        arguments.check(command, "update")
        variables = arguments.variables(command)
        reply = self._each(command, "updates", lambda one: self._update_one(one, variables))
        reply.setdefault("nModified", 0)
        return reply

    def delete(self, command: Mapping[str, Any]) -> Reply:
        """The `delete` command."""
        arguments.check(command, "delete")
        variables = arguments.variables(command)
        return self._each(command, "deletes", lambda one: self._delete_one(one, variables))

    def _each(
        self, command: Mapping[str, Any], name: str, write: Callable[[Mapping[str, Any]], Reply]
    ) -> Reply:
        """Run the operations of a command; a refused one leaves its document as it was, and stops an ordered command."""
        total: Reply = {"n": 0}
        for position, operation in enumerate(command.get(name, ())):
            try:
                done = write(operation)
            except CommandError as error:
                total.setdefault("writeErrors", []).append(error.write_error(position))
                if command.get("ordered", True):
                    break
                continue
            _add_up(total, done, position)
        return total | {"ok": 1.0}

    def _insert_one(self, operation: Mapping[str, Any]) -> Reply:
        raw = bytes(operation.raw) if isinstance(operation, RawBSONDocument) else bson.encode(operation)
        document: Mapping[str, Any] = view(raw)
        if next(iter(document), None) != "_id":
            raw = bson.encode({"_id": document.get("_id", ObjectId()), **document})
            document = view(raw)
        _check_identity(document["_id"], 2, "BadValue")
        _check_clock(document, raw)
        with self._storage.savepoint():
            self._storage.insert(self._collection(), document, raw)
        return {"n": 1}

    def _prepared(self, operation: Mapping[str, Any], variables: Mapping[str, Any]) -> Update:
        """The update of an operation with `q`, `u` and `arrayFilters`, refused before any document is touched."""
        passes = Filter(arguments.document(operation, "q"), variables)
        source = Joined(self._storage, self._database)
        return Update(operation.get("u"), passes, source, operation.get("arrayFilters"), variables)

    def _update_one(self, operation: Mapping[str, Any], variables: Mapping[str, Any]) -> Reply:
        operation = arguments.plain(operation)
        arguments.check(operation, "an update")
        arguments.check_hint(operation, self._storage.collection(self._database, self._name))
        criteria, multi = operation["q"], bool(operation.get("multi"))
        update = self._prepared(operation, variables)
        order = ordering(arguments.document(operation, "sort"))
        if multi and is_replacement(operation["u"]):
            raise failed_to_parse("multi update is not supported for replacement-style update")
        if multi and order:
            raise failed_to_parse("Cannot specify sort with multi=true")
        query = Query(criteria, order, limit=0 if multi else 1, variables=variables)
        found = modified = 0
        for one in self._reader().each(query):
            found += 1
            with self._storage.savepoint():
                modified += self._change(one, update) is not None
        if found or not operation.get("upsert"):
            return {"n": found, "nModified": modified}
        with self._storage.savepoint():
            document = self._upsert(operation, update)
        return {"n": 1, "nModified": 0, "upserted": [{"_id": document["_id"]}]}

    def _change(self, found: Found, update: Update) -> bytes | None:
        """Update one document, in a savepoint or transaction of the caller; its new bytes, None when nothing changed."""
        collection, document = self._collection(), decode(found.raw)
        before = self._storage.entries(collection, document)
        changed = update(document)
        raw = _encoded(changed)
        if raw == found.raw:
            return None
        self._storage.replace(collection, found.seq, before, changed, raw)
        return raw

    def _upsert(self, operation: Mapping[str, Any], update: Update) -> dict[str, Any]:
        raw = _encoded(upserted(operation["q"], operation["u"], update))
        # as it will be read: the keys of its indexes are made from that
        document = decode(raw)
        _check_identity(document["_id"], 53, "InvalidIdField")
        self._storage.insert(self._collection(), document, raw)
        return document

    def _delete_one(self, operation: Mapping[str, Any], variables: Mapping[str, Any]) -> Reply:
        operation = arguments.plain(operation)
        arguments.check(operation, "a delete")
        query = Query(arguments.document(operation, "q"), limit=operation.get("limit", 0), variables=variables)
        if query.limit not in (0, 1):
            raise failed_to_parse("The limit field in delete objects must be 0 or 1")
        collection = self._storage.collection(self._database, self._name)
        arguments.check_hint(operation, collection)
        deleted = 0
        for one in self._reader().each(query):
            assert collection is not None
            self._storage.delete(collection, one.seq, one.view())
            deleted += 1
        return {"n": deleted}

    def find_and_modify(self, command: Mapping[str, Any]) -> Reply:
        """The `findAndModify` command."""
        arguments.check(command, "findAndModify")
        collection = self._storage.collection(self._database, self._name)
        arguments.check_hint(command, collection)
        variables = arguments.variables(command)
        criteria = arguments.document(command, "query")
        operation, update = {"q": criteria, "u": command.get("update")}, None
        if command.get("remove"):
            if any(command.get(name) for name in ("update", "new", "upsert", "arrayFilters")):
                raise failed_to_parse("Cannot specify both remove=true and update, new, upsert or arrayFilters")
        elif command.get("update") is None:
            raise failed_to_parse("Either an update or remove=true must be specified")
        else:
            update = self._prepared(operation | {"arrayFilters": command.get("arrayFilters")}, variables)
        fields = arguments.document(command, "fields")
        shown = Projection(fields, variables=variables) if fields else None
        order = ordering(arguments.document(command, "sort"))
        query = Query(criteria, order, limit=1, variables=variables)
        found = next(self._reader().each(query), None)
        if update is None:
            value, outcome = self._removed(found)
        else:
            value, outcome = self._modified(found, command, operation, update)
        if value is None:
            return {"value": None, "lastErrorObject": outcome, "ok": 1.0}
        given: Any = RawBSONDocument(value)
        if shown is not None:
            given = shown(decode(value), Filter(criteria, variables) if shown.needs_place else None)
        return {"value": given, "lastErrorObject": outcome, "ok": 1.0}

    def _removed(self, found: Found | None) -> tuple[bytes | None, Reply]:
        if found is None:
            return None, {"n": 0}
        self._storage.delete(self._collection(), found.seq, found.view())
        return found.raw, {"n": 1}

    def _modified(
        self, found: Found | None, command: Mapping[str, Any], operation: Mapping[str, Any], update: Update
    ) -> tuple[bytes | None, Reply]:
        if found is not None:
            after = self._change(found, update) or found.raw
            return after if command.get("new") else found.raw, {"updatedExisting": True, "n": 1}
        if not command.get("upsert"):
            return None, {"updatedExisting": False, "n": 0}
        document = self._upsert(operation, update)
        value = bson.encode(document) if command.get("new") else None
        return value, {"updatedExisting": False, "n": 1, "upserted": document["_id"]}


def _check_clock(document: Mapping[str, Any], raw: bytes) -> None:
    """Refuse an empty timestamp: MongoDB would put the time of its oplog there.

    Raises:
        CommandError: a field of the document is one.
    """
    if _TIMESTAMP in raw and any(value == Timestamp(0, 0) for value in document.values()):
        raise not_supported("Timestamp(0, 0) in a document")


def _check_identity(identity: Any, code: int, name: str) -> None:
    """Refuse an `_id` that MongoDB refuses.

    Raises:
        CommandError: an array, a pattern, or a document of operators.
    """
    if isinstance(identity, (list, Regex)):
        kind = "array" if isinstance(identity, list) else "regex"
        raise CommandError(code, name, f"The '_id' value cannot be of type {kind}")
    if isinstance(identity, Mapping) and any(name.startswith("$") for name in identity):
        raise CommandError(52, "DollarPrefixedFieldName", "_id fields may not contain '$'-prefixed fields")


def _encoded(document: dict[str, Any]) -> bytes:
    try:
        raw = bson.encode(document)
        _check_clock(document, raw)
        return raw
    except (bson.errors.BSONError, OverflowError) as error:
        raise bad_value(f"the document cannot be stored: {error}") from error


def _add_up(total: Reply, done: Reply, position: int) -> None:
    for name, value in done.items():
        if name == "upserted":
            total.setdefault(name, []).extend({"index": position, **one} for one in value)
        else:
            total[name] = total.get(name, 0) + value
