"""What a job needs that ended for want of it: more memory, or more time, as the policy of retries says."""

from __future__ import annotations

from typing import Any

from launchers.farm import Farm
from launchers.machines.capacities import known, largest_memory_GB, longest_s
from launchers.queue.endings import Ending, began, heard
from launchers.queue.resources import LONGER_S, NEEDS, Needs
from launchers.queue.retries import Rule, rule
from launchers.queue.walltime import EXPECTS

ALL_OF_IT = 0.9  # a job that ran for so much of the longest time and did not end needs more


def more_of(farm: Farm, fw_id: int, launch: dict[str, Any], ending: Ending) -> tuple[dict[str, float], str]:
    """What a job needs from now on, whose `launch` ended so, and in words; nothing where that is as before."""
    policy = rule(ending.kind)
    if not policy.memory and not policy.time:
        return {}, ""
    fields = {f"spec.{NEEDS}": 1, f"spec.{EXPECTS}": 1}
    spec = (farm.launchpad.fireworks.find_one({"fw_id": fw_id}, fields) or {}).get("spec", {})
    needs = Needs.of(spec)
    if policy.memory and not needs.allocation:
        had = needs.memory_GB or _of_slot(farm, launch)
        memory = min(policy.memory * had, largest_memory_GB(known(farm)))
        if memory > had:
            return {"memory_GB": memory}, f"; from now on it needs {memory:.4g} GB of memory"
    if policy.time and not (spec.get(EXPECTS) or {}).get("resumes"):
        longer = _longer_s(farm, policy, launch)
        if longer > needs.longer_than_s:
            return {LONGER_S: longer}, f"; from now on it needs more than {longer / 3600:.3g} h"
    return {}, ""


def _of_slot(farm: Farm, launch: dict[str, Any]) -> float:
    """What the slot of a launch had, in GB; 0 where nobody knows."""
    name = (launch.get("fworker") or {}).get("name") or ""
    return (farm.heartbeats.find_one({"_id": name}, {"memory_GB": 1}) or {}).get("memory_GB") or 0.0


def _longer_s(farm: Farm, policy: Rule, launch: dict[str, Any]) -> float:
    """Times what it ran; where that is not nearly the longest that there is, no more than this."""
    start, end = began(launch), heard(launch)
    ran = (end - start).total_seconds() if start and end else 0.0
    longest = longest_s(known(farm))
    if longest is None or ran >= ALL_OF_IT * longest:
        return policy.time * ran
    return min(policy.time * ran, ALL_OF_IT * longest)
