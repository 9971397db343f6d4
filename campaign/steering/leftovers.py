"""Work that a campaign asks for no more: taken out of the queue, unless another campaign asks for it, or it has begun."""

from __future__ import annotations

from collections.abc import Iterable

from campaign.records.campaigns import resolved_spec, unkept_names
from campaign.records.lookup import planned
from campaign.records.plans import asking, keep_plan
from launchers.farm import Farm
from launchers.queue.launchpad import cancel, waiting_keys


def asked_elsewhere(farm: Farm, keys: Iterable[str], campaign: str) -> set[str]:
    """Those of `keys` for which another campaign asks; plans that code of before has not kept are kept first."""
    for name in unkept_names(farm):
        keep_plan(farm, planned(farm, resolved_spec(farm, name)))
    return {key for key, names in asking(farm, keys).items() if names - {campaign}}


def take_out(farm: Farm, campaign: str) -> list[str]:
    """Take out of the queue what has not begun and neither `campaign` nor another asks for; return the keys."""
    waiting = waiting_keys(farm)
    mine = asking(farm, waiting).keys()
    left = [key for key in waiting if key not in mine]
    return cancel(farm, set(left) - asked_elsewhere(farm, left, campaign)) if left else []
