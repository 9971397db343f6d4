"""Plans as they are kept: one document for each piece of work that a campaign asks for.

What is kept tells which work a record releases, who asks for it, and how far a campaign is, without planning again.
`campaigns` says that the documents of a plan are whole (`plan`); whoever writes them clears that first.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from campaign.planning.lacking import Lack, Lacking
from campaign.planning.plan import Plan
from campaign.planning.stages import find_stage, guess_s
from campaign.planning.work import Work
from campaign.spec import Gap
from flows.faults import FAULTS
from flows.keys import canonical_json
from flows.labelling.former_cells import CELLS
from flows.settings import Settings
from launchers.farm import Farm, batches
from launchers.queue.debounce import exclusive

_FIELDS = ("key", "stage", "system", "model", "seed", "size", "needs", "parts", "count")
_PACKED = ("key", "stage", "system", "model", "seed", "size", "parts", "count")
MOST_PACKED = 4_000_000  # bytes, in the document of a campaign: a hundred thousand pieces of work
_UNTOLD = Settings()
_LIGHT = dict.fromkeys((*_FIELDS, "guessed_s"), 1)


def keep_plan(farm: Farm, plan: Plan) -> None:
    """Keep `plan` in place of what its campaign asked for before."""
    with exclusive(farm, f"plan {plan.campaign}"):
        kept = {one["key"]: one["same"] for one in farm.plans.find({"campaign": plan.campaign}, {"key": 1, "same": 1})}
        documents = {one["key"]: one for one in _documents(plan)}
        changed = [one | _told(plan.work[key]) for key, one in documents.items() if kept.get(key) != one["same"]]
        gone = kept.keys() - documents.keys()
        if changed or gone:
            _set(farm, plan.campaign, None)
        for batch in batches(gone):
            farm.plans.delete_many({"campaign": plan.campaign, "key": {"$in": batch}})
        farm.put(farm.plans, changed)
        lacking = [asdict(one) | {"structures": [list(lack) for lack in one.structures]} for one in plan.lacking]
        before = (farm.campaigns.find_one({"_id": plan.campaign}, {"plan": 1}) or {}).get("plan") or {}
        layout = before.get("layout") or _packed(plan)
        about = {"gaps": [list(gap) for gap in plan.gaps], "lacking": lacking, "says_more": _says_more(plan), "layout": layout}
        _set(farm, plan.campaign, {"code": _code(), **about})


def _says_more(plan: Plan) -> bool:
    """Whether some of its labels have a story of their own: of a faulty version, of a path alone, or of pilots that failed."""
    return bool(plan.faulty or plan.by_path or plan.stopped)


def kept_plan(farm: Farm, campaign: str, system: str | None = None) -> Plan | None:
    """The plan of a campaign as it was last kept, its work without tasks; of one system, if one is named.

    None where there is none, or other code made it, or it has more to say of labels (`_says_more`): then plan again.
    """
    about = (farm.campaigns.find_one({"_id": campaign}, {"plan": 1}) or {}).get("plan")
    if not about or about["code"] != _code() or about["says_more"]:
        return None
    if about.get("layout") and system is None:
        work = {one.key: one for one in _unpacked(about["layout"])}
    else:
        asked = {"campaign": campaign} | ({} if system is None else {"system": system})
        found = farm.plans.find(asked, {**_LIGHT, "place": 1})
        work = {one["key"]: _work(one) for one in sorted(found, key=lambda one: one["place"])}
    lacking = (one | {"structures": tuple(Lack(*lack) for lack in one["structures"])} for one in about["lacking"])
    gaps = tuple(gap for gap in (Gap(*one) for one in about["gaps"]) if system in (None, gap.system))
    return Plan(campaign, work, gaps, lacking=tuple(Lacking(**one) for one in lacking))


def waiting_for(farm: Farm, key: str) -> Iterator[tuple[str, Work, int]]:
    """What needs `key`, whole: campaign, work, and how much other work waits for it in turn."""
    for one in list(farm.plans.find({"needs": key})):
        yield one["campaign"], _work(one), one["dependents"]


def asking(farm: Farm, keys: Iterable[str]) -> dict[str, set[str]]:
    """The campaigns that ask for each of `keys`; one that nobody asks for is not there."""
    found: dict[str, set[str]] = {}
    for one in farm.find(farm.plans, "key", keys, {"key": 1, "campaign": 1}):
        found.setdefault(one["key"], set()).add(one["campaign"])
    return found


def _set(farm: Farm, campaign: str, about: dict[str, Any] | None) -> None:
    farm.campaigns.update_one({"_id": campaign}, {"$set": {"plan": about}})


def _code() -> str:
    """Which code planned: faults that are found later, and how labels are read, change what is asked for."""
    from importlib.metadata import version

    faults = hashlib.sha256(repr(sorted(FAULTS.items())).encode()).hexdigest()[:12]
    return f"{version('latticefarm')} {faults} {CELLS}"


def _documents(plan: Plan) -> Iterator[dict[str, Any]]:
    """All but the tasks: these are as their keys."""
    for place, work in enumerate(plan.work.values()):
        about = {name: getattr(work, name) for name in _FIELDS} | {"dependents": plan.dependents[work.key]}
        same = hashlib.sha256(canonical_json([place, about]).encode()).hexdigest()
        yield {"_id": f"{plan.campaign} {work.key}", "campaign": plan.campaign, "place": place, "same": same, **about}


def _packed(plan: Plan) -> bytes | None:
    """All work without its tasks, in the order of the plan, in a tenth of the time to be read; None where that is too much for
    one document. What work of this plan needs is told by its place."""
    places = {key: number for number, key in enumerate(plan.work)}
    rows = [
        [*(getattr(work, name) for name in _PACKED), [places.get(key, key) for key in work.needs], guess_s(work)]
        for work in plan.work.values()
    ]
    packed = zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)
    return packed if len(packed) <= MOST_PACKED else None


def _unpacked(packed: bytes) -> Iterator[Work]:
    rows = json.loads(zlib.decompress(packed))
    keys = [row[0] for row in rows]
    for *values, needs, guessed_s in rows:
        key, stage, system, model, seed, size, parts, count = values
        needed = tuple(keys[one] if isinstance(one, int) else one for one in needs)
        yield Work(key, stage, system, model, seed, size, needed, _UNTOLD, tuple(parts), count, guessed_s)


def _told(work: Work) -> dict[str, Any]:
    """What work may take, and its task, where it will be released by a record."""
    about = {"guessed_s": guess_s(work)}
    return about | ({"task": zlib.compress(work.task.model_dump_json().encode())} if work.needs else {})


def _work(one: dict[str, Any]) -> Work:
    task = _tasks(one["stage"]).validate_json(zlib.decompress(one["task"])) if "task" in one else _UNTOLD
    fields = {name: one[name] for name in _FIELDS} | {name: tuple(one[name]) for name in ("needs", "parts")}
    return Work(**fields, task=task, guessed_s=one["guessed_s"])


@cache
def _tasks(stage: str) -> TypeAdapter[Any]:
    return TypeAdapter(find_stage(stage).task)
