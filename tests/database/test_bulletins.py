"""What running jobs tell: the newest is there, gone when they end, and never at their cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.bulletins import FORGOTTEN, PARTING_S, POINTS, Bulletin, News, thinned
from flows.keys import job_uuid
from flows.leftovers import sweep_delivered
from launchers.farm import Farm


class Interrupted(BaseException):
    """What a drain raises."""


def news(done: int) -> News:
    return News("epoch", done, 500, {"epoch": list(range(1, done + 1)), "loss": [1 / n for n in range(1, done + 1)]})


def bulletin(farm: Farm, interval_s: float = 0.02) -> Bulletin:
    store: Any = farm.store
    return Bulletin("work", store.additional_stores["bulletins"], interval_s)


def told(farm: Farm) -> dict[str, Any] | None:
    return farm.bulletins.find_one({"key": "work"}, {"_id": 0})


def wait_for(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_newest_is_there_while_the_job_runs_and_gone_after_it(farm: Farm) -> None:
    with bulletin(farm) as one:
        for done in (3, 200):
            one.tell(news(done))
            wait_for(lambda done=done: (told(farm) or {}).get("done") == done)
        found = told(farm)
        assert found is not None
        assert (found["unit"], found["total"], found["part"]) == ("epoch", 500, "")
        assert len(found["series"]["epoch"]) == POINTS
        assert found["series"]["loss"] == [1 / epoch for epoch in found["series"]["epoch"]]
        assert abs((datetime.now(UTC) - found["at"].replace(tzinfo=UTC)).total_seconds()) < 20
        assert farm.bulletins.count_documents({}) == 1
    assert told(farm) is None


def end_by(farm: Farm, kind: type[BaseException]) -> None:
    with bulletin(farm) as one:
        one.tell(news(3))
        wait_for(lambda: told(farm) is not None)
        raise kind


def test_a_failed_job_takes_it_along_and_an_interrupted_one_leaves_it(farm: Farm) -> None:
    for kind, stays in ((ValueError, False), (Interrupted, True)):
        with pytest.raises(kind):
            end_by(farm, kind)
        assert (told(farm) is not None) is stays


class Counted:
    """A store that counts what it is asked, and answers as it is told to."""

    def __init__(self, answer: Callable[[], None]) -> None:
        self.asked, self.answer = 0, answer

    def update(self, *_: Any, **__: Any) -> None:
        self.asked += 1
        self.answer()

    remove_docs = update


def test_a_job_of_less_than_an_interval_writes_nothing() -> None:
    store = Counted(lambda: None)
    with Bulletin("work", store, 30.0) as one:
        one.tell(news(3))
    assert store.asked == 0


def test_what_is_not_new_is_not_written_again() -> None:
    store = Counted(lambda: None)
    with Bulletin("work", store, 0.01) as one:
        one.tell(news(3))
        wait_for(lambda: store.asked == 1)
        time.sleep(0.1)
        assert store.asked == 1


def test_a_database_that_fails_or_hangs_costs_the_job_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    def away() -> None:
        raise ConnectionError("mongodb://ada:secret@host")

    store = Counted(away)
    with Bulletin("work", store, 0.01) as one:
        one.tell(news(3))
        wait_for(lambda: store.asked > 0)
    said = capfd.readouterr().out
    assert "ConnectionError" in said
    assert "secret" not in said
    hanging = Counted(lambda: time.sleep(30))
    with Bulletin("work", hanging, 0.01) as one:
        began = time.monotonic()
        one.tell(news(3))
        assert time.monotonic() - began < 0.5
        wait_for(lambda: hanging.asked > 0)
        began = time.monotonic()
    assert time.monotonic() - began < PARTING_S + 2


def test_leftovers_of_killed_jobs_go(farm: Farm) -> None:
    now = datetime.now(UTC)
    farm.bulletins.insert_many([{"key": "delivered", "at": now}, {"key": "running", "at": now}, {"key": "old", "at": now - FORGOTTEN - timedelta(hours=1)}])
    farm.store_records({job_uuid("delivered"): {"key": "delivered"}}, "train")
    sweep_delivered(farm.store)
    assert [one["key"] for one in farm.bulletins.find()] == ["running"]


def test_thinning_keeps_both_ends_and_the_order() -> None:
    assert thinned([1, 2, 3]) == [1, 2, 3]
    found = thinned(range(1000), 7)
    assert (found[0], found[-1], len(found)) == (0, 999, 7)
    assert found == sorted(set(found))
