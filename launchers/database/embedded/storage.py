"""The only state: documents, indexes and their entries in one SQLite file."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bson

from launchers.database.embedded.errors import CommandError, duplicate_key, of_sqlite
from launchers.database.embedded.indexes import Index, KeyMaker, Keys
from launchers.database.embedded.keys import values_at
from launchers.database.embedded.wire import MAX_DOCUMENT_BYTES, decode, view

_SCHEMA = """
create table if not exists collections(number integer primary key, database text not null, name text not null,
    options blob not null, unique(database, name));
create table if not exists indexes(number integer primary key autoincrement, collection integer not null,
    name text not null, spec blob not null, multikey integer not null default 0, unique(collection, name));
create table if not exists documents(seq integer primary key autoincrement, collection integer not null,
    document blob not null);
create index if not exists documents_of on documents(collection);
create table if not exists entries(number integer not null, key blob not null, seq integer not null,
    primary key(number, key, seq)) without rowid;
"""

_PRAGMAS = (
    "page_size=8192",
    "locking_mode=exclusive",
    "journal_mode=wal",
    "synchronous=full",
    "temp_store=memory",
    "cache_size=-65536",
)

# raised when documents get other keys than before
_VERSION_OF_KEYS = 1
_INSERT_ENTRY = "insert or ignore into entries(number, key, seq) values(?, ?, ?)"
_DELETE_ENTRY = "delete from entries where number=? and key=? and seq=?"
_ID_INDEX = {"v": 2, "key": {"_id": 1}, "name": "_id_", "unique": True}


@dataclass
class Collection:
    """A collection and its indexes, as the file has them."""

    number: int
    database: str
    name: str
    makers: list[KeyMaker]

    @property
    def namespace(self) -> str:
        """Database and collection, as MongoDB writes them."""
        return f"{self.database}.{self.name}"

    @property
    def indexes(self) -> list[Index]:
        """The indexes, `_id_` first."""
        return [maker.index for maker in self.makers]


Entries = dict[int, frozenset[bytes]]


class Storage:
    """The file. Callers hold a lock of their own: one command at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sql = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        for pragma in _PRAGMAS:
            self._sql.execute(f"pragma {pragma}")
        self._sql.executescript(_SCHEMA)
        self._known: dict[tuple[str, str], Collection] = {}
        self._renew_keys()

    def _renew_keys(self) -> None:
        """Fill the indexes anew where an earlier version, whose keys were others, filled them."""
        if self.rows("pragma user_version").fetchone()[0] == _VERSION_OF_KEYS:
            return
        with self.transaction():
            self._sql.execute("delete from entries")
            self._sql.execute("update indexes set multikey=0")
            names = self.rows("select database, name from collections").fetchall()
            for database, name in names:
                collection = self.collection(database, name)
                assert collection is not None
                for seq, raw in self._scan(collection):
                    document = view(raw)
                    for maker in collection.makers:
                        # it is there already: neither uniqueness nor parallel arrays are asked for
                        self._fill(maker, seq, maker(document, lenient=True), frozenset())
            self._sql.execute(f"pragma user_version={_VERSION_OF_KEYS}")

    def close(self) -> None:
        """Close the file; what was committed is in it."""
        self._sql.close()

    def rows(self, statement: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """The rows of a read."""
        return self._sql.execute(statement, parameters)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of a command's writes, or none of them.

        Raises:
            CommandError: the disk is full, or the file is broken; nothing was written.
        """
        try:
            self._sql.execute("begin immediate")
            yield
            self._sql.execute("commit")
        except BaseException as error:
            self._undo("rollback")
            if isinstance(error, sqlite3.Error):
                raise of_sqlite(error) from error
            raise

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """All of one operation's writes within a command, or none of them."""
        self._sql.execute("savepoint operation")
        try:
            yield
        except CommandError:
            self._undo("rollback to operation")
            raise
        finally:
            if self._sql.in_transaction:
                self._sql.execute("release operation")

    def _undo(self, statement: str) -> None:
        self._known.clear()
        if self._sql.in_transaction:
            self._sql.execute(statement)

    # collections

    def collection(self, database: str, name: str) -> Collection | None:
        """A collection, None where there is none."""
        known = self._known.get((database, name))
        if known is not None:
            return known
        row = self.rows(
            "select number from collections where database=? and name=?", (database, name)
        ).fetchone()
        if row is None:
            return None
        found = Collection(row[0], database, name, [KeyMaker(index) for index in self._indexes(row[0])])
        self._known[database, name] = found
        return found

    def _indexes(self, collection: int) -> list[Index]:
        found = self.rows(
            "select number, spec, multikey from indexes where collection=? order by number", (collection,)
        )
        return [Index(number, decode(spec), bool(multikey)) for number, spec, multikey in found]

    def created(self, database: str, name: str, options: Mapping[str, Any] | None = None) -> Collection:
        """The collection, made if it is missing."""
        found = self.collection(database, name)
        if found is None:
            number = self._sql.execute(
                "insert into collections(database, name, options) values(?, ?, ?)",
                (database, name, bson.encode(options or {})),
            ).lastrowid
            self._sql.execute(
                "insert into indexes(collection, name, spec) values(?, ?, ?)",
                (number, "_id_", bson.encode(_ID_INDEX)),
            )
            found = self.collection(database, name)
        assert found is not None
        return found

    def rename(self, collection: Collection, database: str, name: str) -> None:
        """Give a collection another name, which must be free."""
        self._sql.execute(
            "update collections set database=?, name=? where number=?", (database, name, collection.number)
        )
        self._known.clear()

    def drop(self, collection: Collection) -> None:
        """Remove a collection, its documents and indexes."""
        for index in collection.indexes:
            self._sql.execute("delete from entries where number=?", (index.number,))
        self._sql.execute("delete from indexes where collection=?", (collection.number,))
        self._sql.execute("delete from documents where collection=?", (collection.number,))
        self._sql.execute("delete from collections where number=?", (collection.number,))
        self._known.clear()

    # indexes

    def add_index(self, collection: Collection, spec: dict[str, Any]) -> None:
        """Make an index and fill it.

        Raises:
            CommandError: a unique index, and documents that share a key.
        """
        number = self._sql.execute(
            "insert into indexes(collection, name, spec) values(?, ?, ?)",
            (collection.number, spec["name"], bson.encode(spec)),
        ).lastrowid
        assert number is not None
        self._known.clear()
        maker = KeyMaker(Index(number, spec, False))
        for seq, raw in self._scan(collection):
            self._enter(collection, maker, seq, view(raw), frozenset())

    def _scan(self, collection: Collection) -> Iterator[tuple[int, bytes]]:
        last = 0
        while batch := self.rows(
            "select seq, document from documents where collection=? and seq>? order by seq limit 200",
            (collection.number, last),
        ).fetchall():
            yield from batch
            last = batch[-1][0]

    def drop_index(self, collection: Collection, index: Index) -> None:
        """Remove an index."""
        self._sql.execute("delete from entries where number=?", (index.number,))
        self._sql.execute("delete from indexes where number=?", (index.number,))
        self._known.pop((collection.database, collection.name), None)

    # documents

    def document(self, seq: int) -> bytes | None:
        """The bytes of a document, None if it is gone."""
        row = self.rows("select document from documents where seq=?", (seq,)).fetchone()
        return None if row is None else row[0]

    def insert(self, collection: Collection, document: Mapping[str, Any], raw: bytes) -> None:
        """Add a document.

        Raises:
            CommandError: it is too large, or a unique index refuses it.
        """
        check_size(raw)
        cursor = self._sql.execute(
            "insert into documents(collection, document) values(?, ?)", (collection.number, raw)
        )
        assert cursor.lastrowid is not None
        for maker in collection.makers:
            self._enter(collection, maker, cursor.lastrowid, document, frozenset())

    def entries(self, collection: Collection, document: Mapping[str, Any]) -> Entries:
        """The keys that a document has in every index."""
        return {maker.index.number: maker(document, lenient=True).values for maker in collection.makers}

    def replace(
        self, collection: Collection, seq: int, before: Entries, document: Mapping[str, Any], raw: bytes
    ) -> None:
        """Put `document` in the place of the one whose keys were `before`.

        Raises:
            CommandError: it is too large, or a unique index refuses it.
        """
        check_size(raw)
        for maker in collection.makers:
            self._enter(collection, maker, seq, document, before[maker.index.number])
        self._sql.execute("update documents set document=? where seq=?", (raw, seq))

    def delete(self, collection: Collection, seq: int, document: Mapping[str, Any]) -> None:
        """Remove a document."""
        self._sql.execute("delete from documents where seq=?", (seq,))
        for number, keys in self.entries(collection, document).items():
            self._sql.executemany(_DELETE_ENTRY, [(number, key, seq) for key in keys])

    def _enter(
        self,
        collection: Collection,
        maker: KeyMaker,
        seq: int,
        document: Mapping[str, Any],
        before: frozenset[bytes],
    ) -> None:
        keys = maker(document)
        if maker.index.unique:
            self._check_unique(collection, maker.index, seq, document, keys.values - before)
        self._fill(maker, seq, keys, before)

    def _fill(self, maker: KeyMaker, seq: int, keys: Keys, before: frozenset[bytes]) -> None:
        index, added, gone = maker.index, keys.values - before, before - keys.values
        if keys.multikey and not index.multikey:
            self._sql.execute("update indexes set multikey=1 where number=?", (index.number,))
            index.multikey = True
        if gone:
            self._sql.executemany(_DELETE_ENTRY, [(index.number, key, seq) for key in gone])
        if added:
            self._sql.executemany(_INSERT_ENTRY, [(index.number, key, seq) for key in added])

    def _check_unique(
        self,
        collection: Collection,
        index: Index,
        seq: int,
        document: Mapping[str, Any],
        keys: Iterable[bytes],
    ) -> None:
        for key in keys:
            taken = self.rows(
                "select 1 from entries where number=? and key=? and seq<>? limit 1", (index.number, key, seq)
            ).fetchone()
            if taken:
                value = {field: _shown(document, field) for field, _ in index.fields}
                raise duplicate_key(collection.namespace, index.name, dict(index.fields), value)


def check_size(raw: bytes) -> None:
    """Refuse a document that MongoDB would refuse.

    Raises:
        CommandError: it is larger than 16 MB.
    """
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise CommandError(
            10334,
            "BSONObjectTooLarge",
            f"the document has {len(raw)} bytes; the limit is {MAX_DOCUMENT_BYTES}",
        )


def _shown(document: Mapping[str, Any], field: str) -> Any:
    values = values_at(document, tuple(field.split(".")))[0]
    return values[0] if isinstance(values[0], (str, int, float, bson.ObjectId)) else None
