"""How far running jobs are, as they tell it themselves; no record rests on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from launchers.farm import Farm


def bulletins(farm: Farm, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What the jobs of `keys` have told last, by key; of a short job, or one that has just begun, nothing."""
    return {one["key"]: one for one in farm.find(farm.bulletins, "key", keys, {"_id": 0})}
