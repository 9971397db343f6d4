"""Random documents, filters and orders: an index never changes what is found, and it is what a second opinion finds."""

import random
from typing import Any

import pytest
from mongo_oracle import ParallelArrays, check_parallel, distinct, ordered, passes, rank
from mongo_update_oracle import Refused, updated
from pymongo.database import Database
from pymongo.errors import OperationFailure, WriteError

INDEXES: list[list[tuple[str, int]]] = [
    [("a", 1)],
    [("b", -1)],
    [("c.d", 1)],
    [("a", -1), ("c.d", 1)],
    [("b", 1), ("a", 1), ("c.d", -1)],
]
# numbers, booleans and null that Python or an index might take for one another
VALUES: list[Any] = [
    *(None, 0, 1, 1.0, 1.5, 2, -3, 2**53, float(2**53), 2**53 + 1, "x", "y", "", "1", True, False),
    *([1, 2], ["x"], [], [True], [None, 1], [[1], 2], [{"e": 1}], {"e": 1}, {"e": True}, {"f": 1, "e": 1}, {}),
]
PARTS = ["a", "b", "c.d"]


def _value(dice: random.Random) -> Any:
    return dice.choice(VALUES)


def _document(dice: random.Random) -> dict[str, Any]:
    document = {name: _value(dice) for name in "ab" if dice.random() < 0.8}
    if dice.random() < 0.8:
        nested = [{"d": _value(dice)} if dice.random() < 0.8 else _value(dice) for _ in range(2)]
        document["c"] = dice.choice([{"d": _value(dice)}, nested, _value(dice)])
    return document


def _condition(dice: random.Random) -> Any:
    one, two = _value(dice), _value(dice)
    comparison = {dice.choice(["$gt", "$gte"]): one, dice.choice(["$lt", "$lte"]): two}
    return dice.choice(
        [
            one,
            {"$eq": one},
            {"$in": [one, two]},
            {dice.choice(["$gt", "$gte", "$lt", "$lte"]): one},
            comparison,
            {"$ne": one},
            {"$nin": [one, two]},
            {"$not": comparison},
            {"$all": [one]},
            {"$exists": dice.random() < 0.5},
        ]
    )


def _criteria(dice: random.Random) -> dict[str, Any]:
    criteria = {name: _condition(dice) for name in dice.sample(PARTS, dice.choice([1, 1, 2, 3]))}
    if dice.random() < 0.3:
        criteria[dice.choice(["$and", "$or", "$nor"])] = [{dice.choice(PARTS): _condition(dice)} for _ in range(2)]
    return criteria


def _is_parallel(document: dict[str, Any]) -> bool:
    try:
        for keys in INDEXES:
            check_parallel(document, [name for name, _ in keys])
    except ParallelArrays:
        return True
    return False


def _fill(database: Database, dice: random.Random) -> list[dict[str, Any]]:
    """The same documents in `plain`, in `indexed` and as a list: those that the indexes take."""
    for keys in INDEXES:
        database.indexed.create_index(keys)
    kept = []
    for number in range(120):
        document = {"_id": number} | _document(dice)
        if _is_parallel(document):
            with pytest.raises(WriteError) as caught:
                database.indexed.insert_one(document)
            assert caught.value.code == 171
            continue
        database.indexed.insert_one(document)
        kept.append(document)
    database.plain.insert_many(kept)
    for _ in range(60):
        _update_both(database, {"_id": dice.choice(kept)["_id"]}, _change(dice))
    return list(database.plain.find())


def _change(dice: random.Random) -> dict[str, Any]:
    name, value = dice.choice([*PARTS, "c", "a.0", "c.0.d"]), _value(dice)
    operator = dice.choice(["$set", "$set", "$unset", "$inc", "$push", "$addToSet", "$pull", "$pop", "$max", "$rename"])
    argument = {"$inc": dice.choice([1, 0.5]), "$pop": 1, "$rename": "z"}.get(operator, value)
    return {operator: {name: argument}}


def _update_both(database: Database, criteria: dict[str, Any], change: dict[str, Any]) -> None:
    """The same update in both; what the indexes do not take, and what fails, must leave both as they were.

    What comes of it, and whether it fails, is what the second opinion says.
    """
    before = database.plain.find_one(criteria)
    assert before is not None
    try:
        expected = updated(before, change)
    except Refused:
        expected = None
    codes = []
    for collection in (database.plain, database.indexed):
        try:
            collection.update_one(criteria, change)
            codes.append(0)
        except WriteError as error:
            codes.append(error.code or -1)
    after = database.plain.find_one(criteria)
    assert after is not None
    assert bool(codes[0]) == (expected is None), (before, change)
    assert _written(after) == _written(before if expected is None else expected), (before, change)
    if codes[0]:
        assert codes[1] == codes[0]
        assert after == before
    elif _is_parallel(after):
        assert codes[1] == 171
        database.plain.replace_one(criteria, before)
    else:
        assert codes[1] == 0
    # compared as text: to Python true is 1
    assert repr(database.indexed.find_one(criteria)) == repr(database.plain.find_one(criteria)), change


def _written(document: dict[str, Any]) -> dict[str, str]:
    """As text, since to Python true is 1 and 1 is 1.0; MongoDB promises no order of the fields after a rename."""
    return {name: repr(value) for name, value in document.items()}


@pytest.mark.parametrize("seed", range(6))
def test_indexes_change_nothing_and_all_is_found(database: Database, seed: int) -> None:
    dice = random.Random(seed)
    documents = _fill(database, dice)
    for _ in range(80):
        criteria = _criteria(dice)
        expected = [document for document in documents if passes(document, criteria)]
        for collection in (database.plain, database.indexed):
            found = sorted(document["_id"] for document in collection.find(criteria))
            assert found == [document["_id"] for document in expected], criteria
            assert collection.count_documents(criteria) == len(expected), criteria
        order = [(name, dice.choice([1, -1])) for name in dice.sample(PARTS, dice.choice([1, 2]))] + [("_id", 1)]
        _check_order(database, criteria, order, expected)


def _check_order(
    database: Database, criteria: dict[str, Any], order: list[tuple[str, int]], expected: list[dict[str, Any]]
) -> None:
    try:
        wanted = [document["_id"] for document in ordered(expected, order)]
    except ParallelArrays:
        for collection in (database.plain, database.indexed):
            with pytest.raises(OperationFailure, match="parallel"):
                list(collection.find(criteria).sort(order))
        return
    for collection in (database.plain, database.indexed):
        found = [document["_id"] for document in collection.find(criteria).sort(order)]
        assert found == wanted, (criteria, order)
        cut = [document["_id"] for document in collection.find(criteria).sort(order).skip(2).limit(5)]
        assert cut == wanted[2:7], (criteria, order)


@pytest.mark.parametrize("seed", range(3))
def test_distinct_values_and_groups(database: Database, seed: int) -> None:
    documents = _fill(database, random.Random(100 + seed))
    for name in PARTS:
        expected = distinct(documents, name)
        for collection in (database.plain, database.indexed):
            assert sorted(map(_shown, collection.distinct(name))) == sorted(map(_shown, expected)), name
    for collection in (database.plain, database.indexed):
        groups = list(collection.aggregate([{"$group": {"_id": "$a", "n": {"$sum": 1}}}]))
        for group in groups:
            alike = [d for d in documents if _shown(d.get("a")) == _shown(group["_id"])]
            assert len(alike) == group["n"], group
        assert sum(group["n"] for group in groups) == len(documents)


def _shown(value: Any) -> str:
    """A value's text, the same for numbers that are equal and for no others."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{_shown(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return f"[{','.join(map(_shown, value))}]"
    if rank(value) == 2 and value == int(value):
        return f"2 {int(value)}"
    return f"{rank(value)} {value!r}"
