"""Index keys sort as MongoDB sorts values."""

import datetime
import itertools

import pytest
from bson import Decimal128, MaxKey, MinKey, ObjectId

from launchers.database.embedded.errors import CommandError
from launchers.database.embedded.keys import MISSING, encode, key_tuples, sort_key, values_at

# in MongoDB's order; equal neighbours are not listed
ORDERED = [
    MinKey(),
    None,
    float("-inf"),
    -(2**62),
    -1.5,
    -1,
    0,
    1e-300,
    0.5,
    1,
    2**53,
    2**53 + 1,
    2**62,
    2**62 + 1,
    float("inf"),
    "",
    "a",
    "a\0",
    "a\0b",
    "aa",
    "b",
    "é",
    {},
    {"a": 1},
    {"a": 2},
    # the name of a field counts before its value, the kind of its value before its name
    {"b": 1},
    {"a": ""},
    [],
    [1],
    [1, 2],
    b"\1",
    b"\1\1",
    ObjectId("0" * 24),
    ObjectId("f" * 24),
    False,
    True,
    datetime.datetime(1960, 1, 1),
    datetime.datetime(2020, 1, 1),
    MaxKey(),
]


@pytest.mark.parametrize(("low", "high"), itertools.pairwise(ORDERED))
def test_order(low: object, high: object) -> None:
    assert encode(low) < encode(high)
    assert encode(low, -1) > encode(high, -1)


def test_equal_numbers_have_equal_keys() -> None:
    assert encode(1) == encode(1.0)
    assert encode(0.0) == encode(-0.0)
    assert encode(True) != encode(1)


def test_keys_of_components_do_not_run_into_each_other() -> None:
    assert encode("a") + encode("b") != encode("ab") + encode("")
    assert sort_key({"a": "x", "b": 2}, [("a", 1), ("b", -1)]) < sort_key(
        {"a": "x", "b": 1}, [("a", 1), ("b", -1)]
    )


def test_arrays_on_a_path() -> None:
    document = {"a": [{"b": 1}, {"b": [2, 3]}, 4], "c": []}
    # what is no document counts as one without the field
    assert values_at(document, ("a", "b")) == ([1, 2, 3, MISSING], True)
    assert values_at(document, ("a", "0", "b")) == ([1], True)
    assert len(values_at(document, ("c",))[0]) == 1


def test_an_array_sorts_by_its_least_or_greatest_element() -> None:
    assert sort_key({"a": [5, 1]}, [("a", 1)]) == sort_key({"a": 1}, [("a", 1)])
    assert sort_key({"a": [5, 1]}, [("a", -1)]) == sort_key({"a": 5}, [("a", -1)])


def test_fields_of_one_element_stay_together() -> None:
    document = {"a": [{"b": 1, "c": [5, 6]}, {"b": 2, "c": 7}, 3], "p": [[1, 2], []], "n": 9}
    assert list(key_tuples(document, [("a", "b"), ("a", "c")])) == [(1, 5), (1, 6), (2, 7), (MISSING, MISSING)]
    assert list(key_tuples(document, [("n",), ("a", "b")])) == [(9, 1), (9, 2), (9, MISSING)]
    # an array that is named by its position stays whole
    assert set(map(str, key_tuples(document, [("p", "0"), ("n",)]))) == {"([1, 2], 9)"}
    assert values_at(document, ("p", "0", "1"))[0] == [2]
    for paths in ([("a", "b"), ("p",)], [("a",), ("p", "0")]):
        with pytest.raises(CommandError) as caught:
            list(key_tuples(document, paths))
        assert caught.value.code == 171


@pytest.mark.parametrize("value", [Decimal128("0.1"), Decimal128("1E+400")])
def test_decimals_that_no_double_equals_are_refused(value: Decimal128) -> None:
    assert encode(Decimal128("1.50")) == encode(1.5)
    assert encode(Decimal128("7")) == encode(7)
    with pytest.raises(CommandError) as caught:
        encode(value)
    assert caught.value.code == 115
