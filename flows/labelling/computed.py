"""Labels that an engine computes: their keys, known before they are, and their records."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from flows.faults import label_task, version_of
from flows.keys import digest
from flows.labelling.engines.protocol import Computed, EngineSettings
from flows.records import Label, Structure


def label_version(engine: EngineSettings, level: str) -> int:
    """The version of the engine's way to a level that labels are computed by today."""
    return version_of(label_task(engine.kind, level))


def computed_label_key(
    structure_key: str, level: str, engine: EngineSettings, forces: bool, version: int | None = None
) -> str:
    """The key of the label of one structure at one level: what is computed, and with which settings.

    That of an earlier `version` where one is given.
    """
    version = version or label_version(engine, level)
    return digest("label", version, structure=structure_key, engine=engine.identity_of(level, forces))


def settings_digest(level: str, engine: EngineSettings, forces: bool) -> str:
    """Of all of the settings that decide the numbers of a level."""
    return digest("engine", 1, **engine.identity_of(level, forces))


def computed_label(
    structure: Structure, level: str, engine: EngineSettings, forces: bool, computed: Computed
) -> Label:
    """The record of a label, under its key."""
    structure_key = structure.key()
    found = computed.forces_eV_A
    return Label(
        key=computed_label_key(structure_key, level, engine, forces),
        version=label_version(engine, level),
        structure_key=structure_key,
        structure=structure,
        level=level,
        energy_eV=float(computed.energy_eV),
        forces_eV_A=None if found is None or not forces else np.asarray(found, dtype=float).tolist(),
        components_eV=dict(computed.components_eV),
        diagnostics=dict(computed.diagnostics),
        engine=engine.kind,
        engine_version=_version({**engine.versions(), **computed.versions}),
        settings_digest=settings_digest(level, engine, forces),
        files=(*(f"{name}: {one.text()}" for name, one in engine.given_files()), *computed.files),
        remarks=computed.remarks,
        wall_time_s=computed.wall_time_s,
    )


def _version(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
