"""What the engines of a campaign have labelled: energies, versions, cost, and what was set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from campaign.records import outputs
from campaign.results.campaign import Campaign

FIELDS = ("energy_eV", "engine_version", "wall_time_s")


@dataclass(frozen=True)
class LevelLabels:
    """The labels of a level that an engine computes: energies (eV per cell) by structure key, as far as they are
    stored; `structures` are all that are to be labelled, `failed` says why one has no label."""

    level: str
    energies_eV: Mapping[str, float]
    structures: frozenset[str]
    failed: Mapping[str, str]
    versions: tuple[str, ...]
    seconds: float


def level_labels(campaign: Campaign, system: str) -> dict[str, LevelLabels]:
    """Of every level of `system` that an engine labels, in the order of the spec."""
    asked = campaign.label_requests().get(system)
    found = campaign.label_sets().get(system)
    labels = {}
    for level, one in campaign.spec.systems[system].levels.items():
        if one.engine is None:
            continue
        keys = found.labels.get(level, {}) if found is not None else {}
        aside = [item for item in (found.set_aside if found is not None else ()) if item.level == level]
        failed = {item.structure_key: item.reason for item in aside if item.structure_key is not None}
        wanted = frozenset(asked.labels.get(level, {}) if asked is not None else ())
        labels[level] = _labels(campaign, level, keys, (wanted, failed))
    return labels


def _labels(
    campaign: Campaign, level: str, keys: Mapping[str, str], rest: tuple[frozenset[str], Mapping[str, str]]
) -> LevelLabels:
    found = outputs.fields(campaign.farm, keys.values(), *FIELDS)
    return LevelLabels(
        level=level,
        # in the order of the draw, whatever that of the database is
        energies_eV={name: found[key]["energy_eV"] for name, key in keys.items() if key in found},
        structures=rest[0],
        failed=rest[1],
        versions=tuple(sorted({one["engine_version"] for one in found.values() if one.get("engine_version")})),
        seconds=sum(one.get("wall_time_s") or 0.0 for one in found.values()),
    )
