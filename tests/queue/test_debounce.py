"""Many ask, one or two act, nobody is forgotten."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from launchers.queue.debounce import debounced


def test_many_calls_act_rarely_and_after_every_call(farm):
    acted: list[float] = []

    def act() -> None:
        time.sleep(0.3)
        acted.append(time.monotonic())

    def call(number: int) -> tuple[float, float]:
        time.sleep(0.02 * number)
        began = time.monotonic()
        debounced(replace(farm, token=f"caller {number}"), act)
        return began, time.monotonic()

    with ThreadPoolExecutor(12) as pool:
        calls = list(pool.map(call, range(12)))
    assert len(acted) < 6
    for began, ended in calls:
        assert any(began < moment <= ended for moment in acted)


def test_a_dead_holder_is_replaced(farm):
    acted: list[int] = []
    debounced(farm, lambda: acted.append(0))
    farm.launchpad.db["leases"].update_one({"_id": "advance"}, {"$set": {"until": None}})

    class KilledError(BaseException):
        pass

    def die() -> None:
        raise KilledError

    short = timedelta(seconds=0.5)
    with suppress(KilledError):
        debounced(replace(farm, token="killed"), die, lease=short)
    assert debounced(replace(farm, token="next"), lambda: acted.append(1), lease=short)
    assert acted == [0, 1]
