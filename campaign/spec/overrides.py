"""`--set key.of.keys=value`: any key of a spec from the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from campaign.spec.document import Document, parse_value
from campaign.spec.errors import Problem, SpecError, dotted, nearest


def apply_overrides(document: Document, overrides: Iterable[str]) -> None:
    """Write each `key=value` (value in YAML) into the tree of `document`.

    Raises:
        SpecError: an override has no `=`, goes through something that is no mapping, or into an unknown system.
    """
    problems: list[Problem] = []
    for override in overrides:
        try:
            _apply(document, override)
        except SpecError as error:
            problems.extend(error.problems)
    if problems:
        raise SpecError(problems)


def _apply(document: Document, override: str) -> None:
    origin = f"--set {override}"
    key, equals, text = override.partition("=")
    path = tuple(part.strip() for part in key.split("."))
    if not equals or not all(path):
        raise SpecError([Problem(origin, "", "write it as key=value, as in training.seeds=[861,5735]")])
    _refuse_new_system(document, path, origin)
    parent = document.tree
    for depth, part in enumerate(path[:-1], start=1):
        parent = _child(parent, part, Problem(origin, dotted(path[:depth]), ""))
    parent[path[-1]] = parse_value(text, origin)
    for place in [place for place in document.marks if place[: len(path)] == path]:
        del document.marks[place]
    document.marks[path] = origin


def _child(parent: dict[str, Any], part: str, place: Problem) -> dict[str, Any]:
    child = parent.get(part)
    if child is None:
        child = parent[part] = {}
    if not isinstance(child, dict):
        message = f"is {child!r}, which has no keys; set the whole of it: {place.key}=..."
        raise SpecError([Problem(place.where, place.key, message)])
    return child


def _refuse_new_system(document: Document, path: tuple[str, ...], origin: str) -> None:
    """A misspelt system would otherwise be a new one, and the complaint about what that lacks."""
    systems = document.tree.get("systems")
    if path[0] == "systems" and len(path) > 2 and isinstance(systems, dict) and path[1] not in systems:
        message = f"no such system; {nearest(path[1], systems)}"
        raise SpecError([Problem(origin, dotted(path[:2]), message)])
