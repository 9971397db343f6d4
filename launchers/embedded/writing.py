"""Writing: insert, update, delete, find-and-modify, one operation at a time."""

from collections.abc import Callable, Mapping
from typing import Any

import bson
from bson import ObjectId
from bson.raw_bson import RawBSONDocument

from launchers.embedded.errors import CommandError, bad_value
from launchers.embedded.evaluation import is_replacement, project, updated, upserted
from launchers.embedded.planning import Query
from launchers.embedded.reading import Found, Reader
from launchers.embedded.storage import Collection, Storage
from launchers.embedded.wire import decode, view

Reply = dict[str, Any]


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
        self._collection()
        return self._each(command, "documents", self._insert_one)

    def update(self, command: Mapping[str, Any]) -> Reply:
        """The `update` command."""
        reply = self._each(command, "updates", self._update_one)
        reply.setdefault("nModified", 0)
        return reply

    def delete(self, command: Mapping[str, Any]) -> Reply:
        """The `delete` command."""
        return self._each(command, "deletes", self._delete_one)

    def _each(
        self, command: Mapping[str, Any], name: str, write: Callable[[Mapping[str, Any]], Reply]
    ) -> Reply:
        """Run the operations of a command; a refused one leaves nothing, and stops an ordered command."""
        total: Reply = {"n": 0}
        for position, operation in enumerate(command.get(name, ())):
            try:
                with self._storage.savepoint():
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
        if isinstance(document["_id"], list):
            raise bad_value("the '_id' value cannot be of type array")
        self._storage.insert(self._collection(), document, raw)
        return {"n": 1}

    def _update_one(self, operation: Mapping[str, Any]) -> Reply:
        operation = _plain(operation)
        criteria, multi = operation["q"], bool(operation.get("multi"))
        if operation.get("collation"):
            raise CommandError(115, "CommandNotSupported", "the embedded database has no collations")
        if multi and is_replacement(operation["u"]):
            raise CommandError(
                9, "FailedToParse", "multi update is not supported for replacement-style update"
            )
        order = list((operation.get("sort") or {}).items())
        found = modified = 0
        for one in self._reader().each(Query(criteria, order, limit=0 if multi else 1)):
            found += 1
            modified += self._change(one, operation) is not None
        if found or not operation.get("upsert"):
            return {"n": found, "nModified": modified}
        return {"n": 1, "nModified": 0, "upserted": [{"_id": self._upsert(operation)["_id"]}]}

    def _change(self, found: Found, operation: Mapping[str, Any]) -> bytes | None:
        """Update one document; its new bytes, None when nothing changed."""
        collection, document = self._collection(), decode(found.raw)
        before = self._storage.entries(collection, document)
        changed = updated(document, operation["q"], operation["u"], operation.get("arrayFilters"))
        raw = _encoded(changed)
        if raw == found.raw:
            return None
        self._storage.replace(collection, found.seq, before, changed, raw)
        return raw

    def _upsert(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        document = upserted(operation["q"], operation["u"], operation.get("arrayFilters"))
        raw = _encoded(document)
        # as it will be read: the keys of its indexes are made from that
        document = decode(raw)
        self._storage.insert(self._collection(), document, raw)
        return document

    def _delete_one(self, operation: Mapping[str, Any]) -> Reply:
        operation = _plain(operation)
        collection = self._storage.collection(self._database, self._name)
        if collection is None:
            return {"n": 0}
        deleted = 0
        for one in self._reader().each(Query(operation["q"], limit=operation.get("limit", 0))):
            self._storage.delete(collection, one.seq, one.view())
            deleted += 1
        return {"n": deleted}

    def find_and_modify(self, command: Mapping[str, Any]) -> Reply:
        """The `findAndModify` command."""
        criteria = command.get("query") or {}
        order = list((command.get("sort") or {}).items())
        found = next(self._reader().each(Query(criteria, order, limit=1)), None)
        if command.get("remove"):
            value, outcome = self._removed(found)
        else:
            value, outcome = self._modified(found, command)
        fields = command.get("fields")
        shown: Any = None if value is None else RawBSONDocument(value)
        if value is not None and fields:
            shown = project(decode(value), fields, criteria)
        return {"value": shown, "lastErrorObject": outcome, "ok": 1.0}

    def _removed(self, found: Found | None) -> tuple[bytes | None, Reply]:
        if found is None:
            return None, {"n": 0}
        self._storage.delete(self._collection(), found.seq, found.view())
        return found.raw, {"n": 1}

    def _modified(self, found: Found | None, command: Mapping[str, Any]) -> tuple[bytes | None, Reply]:
        operation = {
            "q": command.get("query") or {},
            "u": command["update"],
            "arrayFilters": command.get("arrayFilters"),
        }
        if found is not None:
            after = self._change(found, operation) or found.raw
            return after if command.get("new") else found.raw, {"updatedExisting": True, "n": 1}
        if not command.get("upsert"):
            return None, {"updatedExisting": False, "n": 0}
        document = self._upsert(operation)
        value = bson.encode(document) if command.get("new") else None
        return value, {"updatedExisting": False, "n": 1, "upserted": document["_id"]}


def _encoded(document: dict[str, Any]) -> bytes:
    try:
        return bson.encode(document)
    except (bson.errors.BSONError, OverflowError) as error:
        raise bad_value(f"the document cannot be stored: {error}") from error


def _plain(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    return decode(bytes(operation.raw)) if isinstance(operation, RawBSONDocument) else operation


def _add_up(total: Reply, done: Reply, position: int) -> None:
    for name, value in done.items():
        if name == "upserted":
            total.setdefault(name, []).extend({"index": position, **one} for one in value)
        else:
            total[name] = total.get(name, 0) + value
