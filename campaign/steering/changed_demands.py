"""What queued work needs, as its campaign says it now: a YAML that was changed reaches what nobody has begun."""

from __future__ import annotations

from collections.abc import Mapping

from campaign.planning.work import Work
from campaign.spec.demands import Demands
from campaign.steering.seal import needs
from launchers.farm import Farm
from launchers.queue.launchpad import QueuedWork
from launchers.queue.resources import NEEDS, Needs
from launchers.queue.retries import RETRY

_WAITING = ("READY", "WAITING", "PAUSED")


def renew(farm: Farm, works: Mapping[str, Work], queued: Mapping[str, QueuedWork], demands: Demands) -> list[str]:
    """Write into the queue what `works` need now; the keys of those of which that was other.

    What was begun before keeps what it was found to need.
    """
    waiting = {one.fw_id: key for key, one in queued.items() if one.state in _WAITING and key in works}
    fields = {"fw_id": 1, "launches": 1, "archived_launches": 1, f"spec.{NEEDS}": 1, f"spec.{RETRY}": 1}
    changed = []
    for one in list(farm.find(farm.launchpad.fireworks, "fw_id", waiting, fields)):
        wanted, retry = needs(works[waiting[one["fw_id"]]], demands), demands.retry.calculation
        if one.get("launches") or one.get("archived_launches"):
            continue
        if (Needs.of(one["spec"]), one["spec"].get(RETRY, 0)) != (wanted, retry):
            said = {NEEDS: None, RETRY: retry or None, **wanted.as_spec()}
            change = {"$set": {f"spec.{name}": value for name, value in said.items() if value is not None}}
            change["$unset"] = {f"spec.{name}": "" for name, value in said.items() if value is None}
            farm.launchpad.fireworks.update_one(
                {"fw_id": one["fw_id"], "state": {"$in": _WAITING}}, {name: value for name, value in change.items() if value}
            )
            changed.append(waiting[one["fw_id"]])
    return changed
