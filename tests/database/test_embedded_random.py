"""Random documents and filters: an index must never change what is found."""

import random
from typing import Any

import pytest
from pymongo.database import Database

INDEXES: list[list[tuple[str, int]]] = [
    [("a", 1)],
    [("b", -1)],
    [("c.d", 1)],
    [("a", -1), ("c.d", 1)],
    [("b", 1), ("a", 1), ("c.d", -1)],
]
VALUES: list[Any] = [None, 0, 1, 1.5, 2, -3, "x", "y", "", True, False, [1, 2], ["x"], [], {"e": 1}]


def _value(dice: random.Random) -> Any:
    return dice.choice(VALUES)


def _document(dice: random.Random) -> dict[str, Any]:
    document = {name: _value(dice) for name in "ab" if dice.random() < 0.8}
    if dice.random() < 0.8:
        nested = [{"d": _value(dice)} for _ in range(2)]
        document["c"] = dice.choice([{"d": _value(dice)}, nested, _value(dice)])
    return document


def _condition(dice: random.Random) -> Any:
    scalars = [
        value for value in VALUES if isinstance(value, (str, int, float)) and not isinstance(value, bool)
    ]
    one, two = dice.choice(scalars), dice.choice(scalars)
    return dice.choice(
        [
            one,
            {"$in": [one, two]},
            {"$gt": one},
            {"$lte": one},
            {"$gte": one, "$lt": two},
            {"$ne": one},
            {"$exists": True},
        ]
    )


@pytest.mark.parametrize("seed", range(4))
def test_indexes_change_nothing(database: Database, seed: int) -> None:
    dice = random.Random(seed)
    documents = [{"_id": i} | _document(dice) for i in range(150)]
    database.plain.insert_many(documents)
    for keys in INDEXES:
        database.indexed.create_index(keys)
    database.indexed.insert_many(documents)
    for _ in range(40):
        number = dice.randrange(150)
        change = {"$set": {dice.choice(["a", "b"]): _value(dice)}}
        database.plain.update_one({"_id": number}, change)
        database.indexed.update_one({"_id": number}, change)
    for _ in range(60):
        names = dice.sample(["a", "b", "c.d"], dice.choice([1, 2, 3]))
        criteria = {name: _condition(dice) for name in names}
        order = [(name, dice.choice([1, -1])) for name in dice.sample(["a", "b", "c.d"], 2)] + [("_id", 1)]
        expected = [d["_id"] for d in database.plain.find(criteria).sort(order)]
        assert [d["_id"] for d in database.indexed.find(criteria).sort(order)] == expected, criteria
        assert database.indexed.count_documents(criteria) == len(expected), criteria
        assert sorted(d["_id"] for d in database.indexed.find(criteria)) == sorted(expected), criteria
