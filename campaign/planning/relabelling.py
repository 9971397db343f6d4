"""Why labels are to be computed that were computed before under other settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from campaign.planning.changes import then_and_now
from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import LabelRequests
from campaign.spec import ResolvedSystem
from flows.labelling.computed import computed_label_key
from flows.labelling.engines.protocol import EngineSettings
from flows.training.names import level_title

Stored = Callable[[Iterable[str]], set[str]]
"""Those of some label keys whose labels are in the database."""


@dataclass(frozen=True)
class EarlierLabels:
    """What labels of the structures of a level would be called if they had been computed otherwise: by key the structures."""

    engine: EngineSettings
    forces: bool
    keys: Mapping[str, str]


def relabellings(
    system: str, cells: ResolvedSystem, asked: LabelRequests, known: Knowledge, earlier: Iterable[EngineSettings], stored: Stored
) -> Iterator[str]:
    """`CCSD of lih, 20 labels: labelled before with basis gth-szv, now gth-dzvp; the old labels are kept`.

    Of the labels that `asked` has and nobody has computed, those of which an `earlier` engine has left one of the same
    level and structure; where several have, by the one that differs least.
    """
    engines = list(earlier)
    for level, structures in _open(asked, known).items():
        one = cells.levels[level]
        assert one.engine is not None
        method = cells.method(level)
        now = cells.engines[one.engine].identity_of(method, one.forces)
        told: dict[str, int] = {}
        left = set(structures)
        for before in _nearest_first(method, structures, engines, now):
            found = {before.keys[key] for key in stored(before.keys)} & left
            if found:
                text = _difference(before.engine.identity_of(method, before.forces), now)
                told[text] = told.get(text, 0) + len(found)
                left -= found
        for text, count in told.items():
            labels, kept = ("1 label", "the old one is kept") if count == 1 else (f"{count} labels", "the old ones are kept")
            yield f"{level_title(level)} of {system}, {labels}: labelled before {text}; {kept}"


def _open(asked: LabelRequests, known: Knowledge) -> dict[str, list[str]]:
    """The structures of each level that nobody has labelled as they are asked for now."""
    found: dict[str, list[str]] = {}
    for key, (structure, level) in asked.places.items():
        if not known.settled(key):
            found.setdefault(level, []).append(structure)
    return found


def _nearest_first(
    method: str, structures: Iterable[str], engines: Iterable[EngineSettings], now: Mapping[str, Any]
) -> list[EarlierLabels]:
    """Each way to compute a method that there was, but for that of now."""
    ways: dict[str, tuple[EngineSettings, bool]] = {}
    for engine in engines:
        for forces in (True, False):
            if method in engine.levels() and (identity := engine.identity_of(method, forces)) != now:
                ways.setdefault(json.dumps(identity, sort_keys=True), (engine, forces))
    sorted_ways = sorted(ways.values(), key=lambda way: len(_changed(way[0].identity_of(method, way[1]), now)))
    names = list(structures)
    return [
        EarlierLabels(engine, forces, {computed_label_key(one, method, engine, forces): one for one in names})
        for engine, forces in sorted_ways
    ]


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if before["kind"] != now["kind"]:
        return f"by {before['kind']}, now by {now['kind']}"
    return f"with {then_and_now(_changed(before, now))}"


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The settings that differ, what they were and what they are; those inside of others by their own names."""
    one, other = _flat(before), _flat(now)
    return {name: (one.get(name), other.get(name)) for name in {**one, **other} if one.get(name) != other.get(name)}


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value.keys() <= {"sha256", "folder"} and value:  # a file, by what it holds
            found[name] = f"of {next(iter(value.values()))[:12]}"
        else:
            found.update(_flat(value) if isinstance(value, Mapping) else {name: value})
    return found
