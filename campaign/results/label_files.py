"""The labels of a campaign as files of extended XYZ, one for each system and level, to be read back or by other programs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from campaign.results.errors import UnknownResult
from campaign.results.files import write_whole
from campaign.spec import ResolvedSystem
from campaign.spec.errors import nearest
from flows.keys import job_uuid
from flows.labelling.written import ENERGY_KEY, FORCES_KEY, frames_text
from flows.records import Label, LabelSet

if TYPE_CHECKING:
    from campaign.results.outcomes import Outcomes


def write_labels(campaign: Outcomes, directory: Path, system: str | None) -> list[dict[str, Any]]:
    """Write the labels that are there to train on; return what the index says of each file.

    Raises:
        UnknownResult: there is no such system, or no labels yet.
    """
    sets = campaign.label_sets()
    if system is not None and system not in campaign.spec.systems:
        raise UnknownResult(f"{campaign.name}: no labels of system {system}; {nearest(system, campaign.spec.systems)}")
    found = {name: one for name, one in sets.items() if system in (None, name)}
    written = [entry for name, one in found.items() for entry in _of_system(campaign, name, one, directory)]
    if not written:
        raise UnknownResult(f"{campaign.name}: no labels are done yet; see latticefarm status {campaign.name}")
    return written


def level_yaml(entry: dict[str, Any], path: Path) -> str:
    """The line of a campaign's `levels` that reads a file back."""
    forces = f", forces: true, forces_key: {FORCES_KEY}" if entry["forces"] else ""
    functional = f", functional: {entry['functional']}" if entry.get("functional") else ""
    return f"{entry['level']}: {{data: {path}, energy_key: {ENERGY_KEY}{forces}{functional}}}"


def _of_system(campaign: Outcomes, system: str, one: LabelSet, directory: Path) -> Iterator[dict[str, Any]]:
    for level, keys in one.labels.items():
        if not keys:
            continue
        settings = _settings(campaign.spec.systems[system], level)
        asked = campaign.plan.requests.get(system)
        stored = campaign.farm.records(map(job_uuid, keys.values()))
        number = {key: place for place, key in enumerate(asked.drawn if asked else ())}
        labels = sorted((Label.model_validate(one) for one in stored.values()), key=lambda one: _place(one, number))
        about = {
            label.key: {"structure": asked.names.get(label.structure_key, "") if asked else "", "settings": settings}
            for label in labels
        }
        path = directory / f"{re.sub(r'[^A-Za-z0-9_.-]', '', f'{system}_{level}')}.xyz"
        content = frames_text(labels, about, forces=one.forces[level]).encode()
        write_whole(path, content)
        yield {
            "file": path.name,
            "system": system,
            "level": level,
            "labels": len(labels),
            "forces": one.forces[level],
            "label_set_key": one.key,
            "sha256": hashlib.sha256(content).hexdigest(),
        }


def _place(label: Label, number: Mapping[str, int]) -> tuple[Any, ...]:
    """Those that were drawn in the order of the draw, those of files as they stood there: a database keeps no order."""
    file, _, frame = (label.source or "").rpartition(" frame ")
    return number.get(label.structure_key, len(number)), file, int(frame) if frame.isdecimal() else 0, label.key


def _settings(cells: ResolvedSystem, level: str) -> str:
    engine = cells.levels[level].engine
    return "" if engine is None else cells.engines[engine].text(cells.method(level))
