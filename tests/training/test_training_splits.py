from __future__ import annotations

from itertools import pairwise

import pytest

from flows.training.splits import split, unseen

KEYS = [f"structure-{i}" for i in range(200)]


def test_sizes_are_nested_and_parts_disjoint():
    seen = [split(KEYS, count, 7, 0.1).seen for count in (20, 98, 162, 200)]

    assert all(small < large for small, large in pairwise(seen))
    half = split(KEYS, 98, 7, 0.1)
    assert (len(half.train), len(half.valid), len(half.test)) == (88, 10, 102)
    assert sorted(half.train + half.valid + half.test) == sorted(KEYS)


def test_order_and_repetition_of_the_keys_do_not_matter():
    assert split(list(reversed(KEYS)) * 2, 98, 7, 0.1) == split(KEYS, 98, 7, 0.1)


def test_more_structures_never_reorder_those_that_were_there():
    alone = split(KEYS[:100], 2, 7, 0.1).test
    among_others = [key for key in split(KEYS, 2, 7, 0.1).test if key in alone]

    assert list(alone[-95:]) == among_others[-95:]


def test_another_split_seed_is_another_split():
    assert split(KEYS, 98, 7, 0.1).seen != split(KEYS, 98, 8, 0.1).seen


@pytest.mark.parametrize(("count", "fraction"), [(1, 0.1), (201, 0.1), (10, 1.0), (2, 0.9), (10, -0.1)])
def test_impossible_splits_are_refused(count, fraction):
    with pytest.raises(ValueError, match="train on"):
        split(KEYS, count, 7, fraction)


def test_what_tests_a_sum_was_never_seen_by_its_base():
    base = split(KEYS, 150, 7, 0.1)
    difference = split(KEYS[:100], 49, 7, 0.1)
    tests = unseen(difference, base)

    assert tests
    assert set(tests) <= set(difference.test)
    assert not set(tests) & base.seen
    # the same structures and count: everything that tests the difference tests the sum
    assert unseen(split(KEYS, 98, 7, 0.1), split(KEYS, 98, 7, 0.1)) == split(KEYS, 98, 7, 0.1).test
