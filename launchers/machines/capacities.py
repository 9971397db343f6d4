"""What there is to run jobs: the slots that are heard of, and those that the classes of sites give; and what fits none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from launchers.farm import Farm, server_time
from launchers.machines.scheduler import AT_THE_END_S
from launchers.machines.site import ResourceClass, Site
from launchers.machines.slots import Slot
from launchers.queue.endings import as_time
from launchers.queue.resources import NEEDS, UNASKED, Needs, Offer, counted

HEARD = timedelta(minutes=10)


@dataclass(frozen=True)
class Capacity:
    """Slots of one sort: their largest, for how long they last (None: without end), for which categories (none: all)."""

    name: str
    offer: Offer
    lasts_s: float | None = None
    categories: tuple[str, ...] = ()

    def fits(self, needs: Needs, category: str | None = None) -> bool:
        """Whether a job could be run there."""
        taken = not self.categories or category is None or category in self.categories
        return taken and self.offer.fits(needs, self.lasts_s)


def of_class(site: str, kind: str, one: ResourceClass) -> Capacity:
    """Those of the allocations of a class; where it says no memory, nothing is counted on."""
    return Capacity(f"class {kind} of {site}", one.offer(kind), one.walltime - AT_THE_END_S, one.categories)


def of_slots(slots: Iterable[Slot], offer: Offer = UNASKED) -> list[Capacity]:
    """Those of this machine, in an allocation of the class that `offer` names."""
    return [Capacity("a slot here", replace(offer, cores=one.cores, memory_GB=one.memory_GB)) for one in slots]


def keep_classes(farm: Farm, name: str, site: Site) -> None:
    """Keep what the classes of a site give, in place of what they gave."""
    kept = []
    for kind, one in site.classes.items():
        offer = one.offer(kind)
        about = {"site": name, "class": kind, "cores": offer.cores, "memory_GB": offer.memory_GB, "own": offer.own}
        kept.append({"_id": f"{name} {kind}", **about, "lasts_s": one.walltime - AT_THE_END_S, "categories": list(one.categories)})
    farm.classes.delete_many({"site": name, "class": {"$nin": list(site.classes)}})
    farm.put(farm.classes, kept)


def known(farm: Farm) -> list[Capacity]:
    """The slots that were heard of in the last minutes, and the classes of which `launch` was told."""
    found = [
        Capacity(
            f"class {one['class']} of {one['site']}",
            Offer(one["cores"], one["memory_GB"], one["class"], one["own"]),
            one["lasts_s"],
            tuple(one["categories"]),
        )
        for one in farm.classes.find()
    ]
    beats = list(farm.heartbeats.find({"memory_GB": {"$exists": True}}))
    if not beats:
        return found
    now = server_time(farm)
    return found + [_of_beat(one, now) for one in beats if (as_time(one["beat"]) or now) > now - HEARD]


def _of_beat(one: dict[str, Any], now: datetime) -> Capacity:
    ends = as_time(one.get("deadline"))
    offer = Offer(one["cores"], one["memory_GB"], one["class"], one["own"])
    return Capacity(f"a slot of {one['host']}", offer, None if ends is None else (ends - now).total_seconds())


def unfit(farm: Farm, there: Iterable[Capacity]) -> list[str]:
    """Of the jobs that are ready, those that fit nowhere: a line for each sort, which they are and what would do.

    Only what jobs say counts; with nothing known that could run any, nothing is said.
    """
    places = list(there)
    sorts: dict[Needs, list[str]] = {}
    ready = farm.launchpad.fireworks.find({"state": "READY", f"spec.{NEEDS}": {"$exists": True}}, {"name": 1, f"spec.{NEEDS}": 1, "spec._category": 1})
    for one in ready if places else ():
        needs = Needs.of(one["spec"])
        if not any(each.fits(needs, one["spec"].get("_category")) for each in places):
            sorts.setdefault(needs, []).append(one["name"])
    return [_line(needs, names, places) for needs, names in sorts.items()]


def _line(needs: Needs, names: list[str], places: list[Capacity]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    need = "needs" if len(names) == 1 else "need"
    return f"fits nowhere: {names[0]}{more} {need} {needs.text()}; {'; '.join(_advice(needs, places))}"


def _advice(needs: Needs, places: list[Capacity]) -> Iterator[str]:
    if needs.allocation:
        named = sorted({each.offer.allocation for each in places if each.offer.allocation})
        if needs.allocation not in named:
            yield f"the classes are {', '.join(named)}: add it to sites.yaml" if named else "no site is known: `latticefarm launch` tells of its classes"
    else:
        free = [each for each in places if not each.offer.own]
        largest = max(free, key=lambda each: (each.offer.memory_GB or 0, each.offer.cores or 0), default=None)
        if largest is not None:
            has = f"{counted(largest.offer.cores or 0)} and {largest.offer.memory_GB or 0:.4g} GB"
            yield f"the largest, {largest.name}, has {has}: give its machine fewer slots (`work --slots 1`), or add a larger class to sites.yaml"
    if needs.longer_than_s:
        ends = [each.lasts_s for each in places if each.lasts_s is not None]
        yield f"the longest lasts {max(ends, default=0) / 3600:.3g} h: raise its walltime"


def largest_memory_GB(places: Iterable[Capacity]) -> float:
    """That of the largest slot that takes what names no class; 0 where none is known."""
    return max((each.offer.memory_GB or 0.0 for each in places if not each.offer.own), default=0.0)


def longest_s(places: Iterable[Capacity]) -> float | None:
    """How long the longest lasts; None: without end, or nothing is known."""
    lasting = [each.lasts_s for each in places]
    return None if None in lasting or not lasting else max(one for one in lasting if one is not None)
