"""Labels that an engine computes: their keys, known before they are, and their records."""

from __future__ import annotations

import numpy as np

from flows.keys import digest
from flows.labelling.engines.protocol import Computed, EngineSettings
from flows.records import Label, Structure


def computed_label_key(structure_key: str, level: str, engine: EngineSettings, forces: bool) -> str:
    """The key of the label of one structure at one level: what is computed, and with which settings."""
    return digest("label", 1, structure=structure_key, engine=engine.identity_of(level, forces))


def computed_label(
    structure: Structure, level: str, engine: EngineSettings, forces: bool, computed: Computed
) -> Label:
    """The record of a label, under its key."""
    structure_key = structure.key()
    found = computed.forces_eV_A
    return Label(
        key=computed_label_key(structure_key, level, engine, forces),
        structure_key=structure_key,
        structure=structure,
        level=level,
        energy_eV=float(computed.energy_eV),
        forces_eV_A=None if found is None or not forces else np.asarray(found, dtype=float).tolist(),
        components_eV=dict(computed.components_eV),
        diagnostics=dict(computed.diagnostics),
        engine=engine.kind,
        engine_version=_version(engine),
        settings_digest=digest("engine", 1, **engine.identity_of(level, forces)),
        wall_time_s=computed.wall_time_s,
    )


def _version(engine: EngineSettings) -> str:
    return ", ".join(f"{name} {version}" for name, version in engine.versions().items())
