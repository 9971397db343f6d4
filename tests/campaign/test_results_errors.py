"""The error of a frequency of a sum with force constants: that of the fit, and of the base by its seeds."""

from __future__ import annotations

import pytest

from campaign.results.tables.phonons import joined_error


def test_the_fit_and_the_seeds_add_in_squares() -> None:
    """3 of the fit, the larger of two bands and seeds; 4 over the seeds."""
    said = [[0.0, 2.0, 3.0], [0.0, 1.0, 2.5]]
    assert joined_error(said, range(1, 3), [1000.0, 1000.0 + 4 * 2**0.5]) == pytest.approx(5.0)


def test_one_seed_says_nothing_of_the_base() -> None:
    assert joined_error([[2.0]], range(1), [1000.0]) == 2.0


def test_models_that_say_nothing_have_none() -> None:
    assert joined_error([(), ()], range(1), [1000.0, 1010.0]) is None
