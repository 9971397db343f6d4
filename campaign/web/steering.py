"""What the forms of the pages ask for, as work that is steered: by its place in the matrix, or piece by piece."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict

from campaign.steering.steer import Chosen, NoSuchWork
from campaign.steering.steer import steer as steer
from campaign.web.failures import groups
from campaign.web.snapshot import Snapshot
from launchers.farm import Farm

SELECTED_BY = ("system", "stage", "model", "seed", "size")
PIECES = ("key", "group")


def chosen(farm: Farm, one: Snapshot, form: MultiDict[str, str]) -> Chosen:
    """The work that a form names: ticked pieces and groups of failures, else what lies where it says.

    Raises:
        NoSuchWork: there is none, or nothing was ticked.
    """
    if form.get("by") == "pieces":
        ticked = form.getlist("group")
        keys = [*form.getlist("key"), *(key for group in groups(one.failed) if group.digest in ticked for key in group.keys)]
        if not keys:
            raise NoSuchWork("nothing is ticked that failed")
        return Chosen.these(farm, one.status.plan, keys)
    return Chosen.of(farm, one.status.plan, _selection(form))


def asked(form: MultiDict[str, str]) -> list[tuple[str, str]]:
    """What a form asked for, to ask for it again when the user is sure."""
    return [(name, value) for name, value in form.items(multi=True) if name not in ("csrf", "sure", "act")]


def back(form: Mapping[str, str], otherwise: str) -> str:
    """The page that the form stood on."""
    place = form.get("back", "")
    ours = tuple(request.script_root + one for one in ("/campaigns/", "/failures"))
    return place if place.startswith(ours) and place.isprintable() and "\\" not in place else otherwise


def _selection(form: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {name: value for name in SELECTED_BY if (value := form.get(name, ""))}
    if "seed" in found:
        if not found["seed"].lstrip("-").isdecimal():
            raise NoSuchWork(f"a seed is a number, and {found['seed']!r} is none")
        found["seed"] = int(found["seed"])
    return found
