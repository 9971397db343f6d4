"""Collections and indexes: made, listed, dropped."""

from collections.abc import Mapping
from typing import Any

import bson

from launchers.database.embedded import arguments
from launchers.database.embedded.cursors import Cursors, Stream
from launchers.database.embedded.errors import CommandError
from launchers.database.embedded.indexes import checked_spec
from launchers.database.embedded.keys import same
from launchers.database.embedded.matching import Filter
from launchers.database.embedded.storage import Collection, Storage
from launchers.database.embedded.wire import decode

Reply = dict[str, Any]


class Catalog:
    """The commands on databases, collections and indexes."""

    def __init__(self, storage: Storage, cursors: Cursors) -> None:
        self._storage = storage
        self._cursors = cursors

    def list_databases(self, command: Mapping[str, Any]) -> Reply:
        """The `listDatabases` command."""
        size = self._storage.path.stat().st_size
        found = [
            {"name": name, "sizeOnDisk": size, "empty": False}
            for (name,) in self._storage.rows("select distinct database from collections order by database")
        ]
        wanted = Filter(command.get("filter") or {})
        return {"databases": [one for one in found if wanted(one)], "totalSize": size, "ok": 1.0}

    def drop_database(self, command: Mapping[str, Any]) -> Reply:
        """The `dropDatabase` command."""
        for name in self._names(command["$db"]):
            self._storage.drop(self._wanted(command["$db"], name))
        return {"dropped": command["$db"], "ok": 1.0}

    def _names(self, database: str) -> list[str]:
        rows = self._storage.rows("select name from collections where database=? order by name", (database,))
        return [name for (name,) in rows.fetchall()]

    def _wanted(self, database: str, name: str) -> Collection:
        found = self._storage.collection(database, name)
        if found is None:
            raise CommandError(26, "NamespaceNotFound", f"ns not found {database}.{name}")
        return found

    def list_collections(self, command: Mapping[str, Any]) -> Reply:
        """The `listCollections` command."""
        database, wanted = command["$db"], Filter(command.get("filter") or {})
        rows = self._storage.rows(
            "select name, options from collections where database=? order by name", (database,)
        )
        found = [
            {"name": name, "type": "collection", "options": decode(options), "info": {"readOnly": False}}
            for name, options in rows
        ]
        shown = [bson.encode(one) for one in found if wanted(one)]
        return self._cursors.first(f"{database}.$cmd.listCollections", Stream(iter(shown)), len(shown) + 1)

    def create(self, command: Mapping[str, Any]) -> Reply:
        """The `create` command."""
        database, name = command["$db"], command["create"]
        if self._storage.collection(database, name) is not None:
            raise CommandError(48, "NamespaceExists", f"Collection {database}.{name} already exists.")
        arguments.check(command, "create")
        self._storage.created(database, name)
        return {"ok": 1.0}

    def drop(self, command: Mapping[str, Any]) -> Reply:
        """The `drop` command."""
        collection = self._wanted(command["$db"], command["drop"])
        self._storage.drop(collection)
        return {"ns": collection.namespace, "nIndexesWas": len(collection.indexes), "ok": 1.0}

    def rename(self, command: Mapping[str, Any]) -> Reply:
        """The `renameCollection` command."""
        source = self._wanted(*command["renameCollection"].split(".", 1))
        database, name = command["to"].split(".", 1)
        target = self._storage.collection(database, name)
        if target is not None and not command.get("dropTarget"):
            raise CommandError(48, "NamespaceExists", f"target namespace {command['to']} exists")
        if target is not None:
            self._storage.drop(target)
        self._storage.rename(source, database, name)
        return {"ok": 1.0}

    def create_indexes(self, command: Mapping[str, Any]) -> Reply:
        """The `createIndexes` command."""
        database, name = command["$db"], command["createIndexes"]
        missing = self._storage.collection(database, name) is None
        before = len(self._storage.created(database, name).indexes)
        for requested in command["indexes"]:
            spec = checked_spec(requested)
            collection = self._storage.created(database, name)
            if not _exists(collection, spec):
                self._storage.add_index(collection, spec)
        after = len(self._storage.created(database, name).indexes)
        return {
            "numIndexesBefore": before,
            "numIndexesAfter": after,
            "createdCollectionAutomatically": missing,
            "ok": 1.0,
        }

    def list_indexes(self, command: Mapping[str, Any]) -> Reply:
        """The `listIndexes` command."""
        collection = self._wanted(command["$db"], command["listIndexes"])
        shown = [bson.encode(index.spec) for index in collection.indexes]
        return self._cursors.first(collection.namespace, Stream(iter(shown)), len(shown) + 1)

    def drop_indexes(self, command: Mapping[str, Any]) -> Reply:
        """The `dropIndexes` command: one by name or keys, several by names, or all but `_id_`."""
        collection = self._wanted(command["$db"], command["dropIndexes"])
        wanted = command["index"]
        names = [wanted] if isinstance(wanted, (str, dict)) else list(wanted)
        found = [
            i for i in collection.indexes if wanted == "*" or any(arguments.is_named(i, name) for name in names)
        ]
        if not found:
            raise CommandError(27, "IndexNotFound", f"index not found with name [{wanted}]")
        for index in found:
            if index.name != "_id_":
                self._storage.drop_index(collection, index)
            elif wanted != "*":
                raise CommandError(72, "InvalidOptions", "cannot drop _id index")
        return {"nIndexesWas": len(collection.indexes), "ok": 1.0}

    def collection_statistics(self, command: Mapping[str, Any]) -> Reply:
        """The `collStats` command, as far as it is asked for."""
        collection = self._storage.collection(command["$db"], command["collStats"])
        number = collection.number if collection else -1
        count, size = self._storage.rows(
            "select count(*), coalesce(sum(length(document)), 0) from documents where collection=?", (number,)
        ).fetchone()
        namespace = f"{command['$db']}.{command['collStats']}"
        return {"ns": namespace, "count": count, "size": size, "storageSize": size, "ok": 1.0}

    def database_statistics(self, command: Mapping[str, Any]) -> Reply:
        """The `dbStats` command, as far as it is asked for."""
        size = self._storage.path.stat().st_size
        count = len(self._names(command["$db"]))
        return {"db": command["$db"], "collections": count, "dataSize": size, "storageSize": size, "ok": 1.0}


def _exists(collection: Collection, spec: dict[str, Any]) -> bool:
    for index in collection.indexes:
        same_name = index.name == spec["name"]
        same_key = arguments.is_named(index, spec["key"])
        if same_key and (same(index.spec, spec | {"key": index.spec["key"]}) or index.name == "_id_"):
            return True
        if same_name:
            raise CommandError(86, "IndexKeySpecsConflict", f"another index is called {spec['name']}")
        if same_key and same(index.partial, spec.get("partialFilterExpression")):
            raise CommandError(85, "IndexOptionsConflict", f"the index {index.name} has the same keys")
    return False
