"""Published files -> the labels of a system: read, matched by geometry, audited; the rest set aside by name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from flows.keys import digest
from flows.labelling.audit import audit_base, audit_level
from flows.labelling.gathering import Gathering
from flows.labelling.matching import Match
from flows.labelling.published.frame import Frame, LabelError
from flows.labelling.settings import Expectations, MatchingSettings, PublishedFile
from flows.labelling.units import base_trouble, level_trouble, out_of_step, steep
from flows.records import Label, LabelSet, LevelAudit, SetAside, Structure


def label_set_key(
    files: Sequence[PublishedFile], expectations: Expectations, matching: MatchingSettings, base: str = "dft"
) -> str:
    """The key of what `read_label_set` returns, without reading: files by content, never by name."""
    identities = sorted((file.identity() for file in files), key=lambda identity: str(identity["level"]))
    return digest(
        "label-set",
        1,
        files=identities,
        expectations=expectations.identity(),
        matching=matching.identity(),
        base=base,
    )


def label_key(structure_key: str, level: str, energy_eV: float, forces: np.ndarray | None) -> str:
    """The key of a published label: what it says, not where it stood. `forces` is (N, 3), eV/Å."""
    content = None if forces is None else (np.asarray(forces, dtype="<f8") + 0.0).tobytes()
    return digest(
        "published-label",
        1,
        structure=structure_key,
        level=level,
        energy_eV=float(energy_eV) + 0.0,
        forces=None if content is None else hashlib.sha256(content).hexdigest(),
    )


def read_label_set(
    system: str,
    files: Sequence[tuple[PublishedFile, bytes]],
    expectations: Expectations,
    matching: MatchingSettings,
    base: str = "dft",
    beside: Mapping[str, bytes] | None = None,
) -> tuple[LabelSet, dict[str, Label]]:
    """All labels of a system, and each label by its key. Structures are those of the `base` level.

    A frame or level that cannot be used is set aside and named (`LabelSet.set_aside`, frames counted from 0;
    a whole level has no frame and is in neither `labels` nor `audit`); the rest goes on. Forces are in the
    order of the atoms of the structure. `beside` has the files that belong to those of `files`, by sha256.

    Raises:
        LabelError: a file is not what its sha256 says, files of one level disagree about forces, or the base
            level is absent or unusable.
    """
    gathering = Gathering(base, matching)
    for file, content in files:
        gathering.add(file, {**(beside or {}), file.sha256: content}, expectations)
    gathering.unify(expectations.composition)
    levels = _label(gathering.matched())
    _drop_unusable(levels, gathering)
    label_set = LabelSet(
        key=label_set_key([file for file, _ in files], expectations, matching, base),
        system=system,
        labels={level: {key: label.key for key, label in labels.items()} for level, labels in levels.items()},
        forces={level: gathering.forces[level] for level in levels},
        set_aside=tuple(gathering.aside),
        audit=_audits(levels, gathering),
    )
    return label_set, {label.key: label for labels in levels.values() for label in labels.values()}


def _label(matched: Mapping[str, list[tuple[Frame, Match]]]) -> dict[str, dict[str, Label]]:
    """Labels by level and structure key; the first level is the base, whose frames are the structures."""
    structures = [_structure(frame) for frame, _ in next(iter(matched.values()))]
    keys = [structure.key() for structure in structures]
    return {
        level: {
            keys[match.number]: _one_label(frame, match, structures[match.number], keys[match.number])
            for frame, match in frames
        }
        for level, frames in matched.items()
    }


def _structure(frame: Frame) -> Structure:
    return Structure(symbols=frame.symbols, cell=frame.cell.tolist(), positions=frame.positions.tolist())


def _one_label(frame: Frame, match: Match, structure: Structure, structure_key: str) -> Label:
    forces = None if frame.forces is None else frame.forces[match.order]
    return Label(
        key=label_key(structure_key, frame.level, frame.energy_eV, forces),
        structure_key=structure_key,
        structure=structure,
        level=frame.level,
        energy_eV=frame.energy_eV,
        forces_eV_A=None if forces is None else forces.tolist(),
        engine="published",
        source=frame.where,
    )


def _drop_unusable(levels: dict[str, dict[str, Label]], gathering: Gathering) -> None:
    base = levels[gathering.base]
    if trouble := base_trouble(base, in_eV=gathering.base in gathering.in_eV):
        raise LabelError(f"level {gathering.base} of {next(iter(base.values())).source}: {trouble}")
    for level in [level for level in levels if level != gathering.base]:
        if not levels[level]:
            trouble = f"no usable frame: {gathering.most_frequent_reason(level)}"
        else:
            trouble = level_trouble(levels[level], base, gathering.base, in_eV=level in gathering.in_eV)
        if trouble:
            gathering.aside.append(SetAside(level=level, reason=f"the whole level: {trouble}"))
            del levels[level]


def _audits(levels: Mapping[str, dict[str, Label]], gathering: Gathering) -> dict[str, LevelAudit]:
    base, audits = levels[gathering.base], {}
    for level, labels in levels.items():
        if level == gathering.base:
            audit, units = audit_base(labels), out_of_step(labels)
        else:
            audit, units = audit_level(labels, base, gathering.base), steep(labels, base, gathering.base)
        warnings = (*gathering.warnings[level], *gathering.energies_beside(level), *((units,) if units else ()), *audit.warnings)
        audits[level] = audit.model_copy(update={"warnings": warnings})
    return audits
