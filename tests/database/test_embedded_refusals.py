"""What the embedded server refuses and MongoDB answers is named in its README."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128
from pymongo.collection import Collection
from pymongo.errors import PyMongoError

import launchers.database.embedded

pytestmark = pytest.mark.skipif("LATTICEFARM_TEST_MONGO_URI" in os.environ, reason="a real MongoDB has all of it")
README = (Path(launchers.database.embedded.__path__[0]) / "README.md").read_text()
ENGLISH = {"locale": "en", "strength": 2}


def _in_transaction(collection: Collection) -> None:
    with collection.database.client.start_session() as session, session.start_transaction():
        collection.insert_one({"_id": 2}, session=session)


REFUSED: dict[str, Callable[[Collection], Any]] = {
    "transactions and sessions": _in_transaction,
    "sessions": lambda c: c.find_one({}, session=c.database.client.start_session()),
    "collations other than `simple`": lambda c: list(c.find({"a": "x"}).collation(ENGLISH)),
    "`min` and `max` of a cursor": lambda c: list(c.find().hint([("_id", 1)]).min([("_id", 0)]).max([("_id", 3)])),
    "`returnKey`": lambda c: list(c.find({}, return_key=True)),
    "`showRecordId`": lambda c: list(c.find({}, show_record_id=True)),
    "tailable cursors": lambda c: c.database.command("find", c.name, tailable=True),
    "capped ones": lambda c: c.database.create_collection("capped", capped=True, size=1000),
    "views": lambda c: c.database.create_collection("view", viewOn=c.name, pipeline=[]),
    "`mapReduce`": lambda c: c.database.command("mapReduce", c.name, map="", reduce="", out="o"),
    "`explain`": lambda c: c.find({}).explain(),
    "change streams": lambda c: c.watch(),
    "TTL indexes": lambda c: c.create_index("k", expireAfterSeconds=5),
    "text, geo, hashed": lambda c: c.create_index([("k", "hashed")]),
    "geo": lambda c: c.create_index([("k", "2dsphere")]),
    "text": lambda c: c.create_index([("k", "text")]),
    "wildcard": lambda c: c.create_index([("$**", 1)]),
    "`$where`": lambda c: list(c.find({"$where": "this.a == 1"})),
    "`$text`": lambda c: list(c.find({"$text": {"$search": "x"}})),
    "`$jsonSchema`": lambda c: list(c.find({"$jsonSchema": {}})),
    "`$bits": lambda c: list(c.find({"a": {"$bitsAllSet": 1}})),
    "`$out`": lambda c: list(c.aggregate([{"$out": "o"}])),
    "`$merge`": lambda c: list(c.aggregate([{"$merge": "o"}])),
    "arithmetic with Decimal128": lambda c: c.update_one({}, {"$inc": {"d": Decimal128("1")}}),
    "that neither an integer nor a double equals": lambda c: list(c.find({"d": {"$gt": Decimal128("0.1")}})),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_refused_is_named_and_changes_nothing(database: Any, words: str) -> None:
    assert words in " ".join(README.split())
    database.a.insert_one({"_id": 1, "a": "X", "d": 1.5})
    with pytest.raises(PyMongoError):
        REFUSED[words](database.a)
    assert list(database.a.find()) == [{"_id": 1, "a": "X", "d": 1.5}]
    assert database.list_collection_names() == ["a"]
    assert set(database.a.index_information()) == {"_id_"}
