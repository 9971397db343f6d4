"""Published files -> the labels of a system: read, matched by geometry, audited; the rest set aside by name."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from flows.keys import digest
from flows.labelling.audit import audit_base, audit_level
from flows.labelling.extxyz import FrameError
from flows.labelling.matching import AmbiguousMatch, Match, StructureIndex
from flows.labelling.published import Frame, LabelError, check_composition, read_published
from flows.labelling.settings import Expectations, MatchingSettings, PublishedFile
from flows.labelling.units import base_trouble, level_trouble
from flows.records import Label, LabelSet, LevelAudit, SetAside, Structure

_SAME_ENERGY_EV = 2e-3  # published energies are rounded to 1e-3 eV
_CELL_OFF_WORTH_SAYING = 1e-6


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
) -> tuple[LabelSet, dict[str, Label]]:
    """All labels of a system, and each label by its key. Structures are those of the `base` level.

    A frame or level that cannot be used is set aside and named (`LabelSet.set_aside`, frames counted from 0;
    a whole level has no frame); the rest goes on.

    Raises:
        LabelError: a file is not what its sha256 says, files of one level disagree about forces, or the base
            level is absent or unusable.
    """
    reading = _Reading(system, base, matching)
    _check_files([file for file, _ in files], base)
    for file, content in files:
        reading.add(file, content, expectations)
    reading.unify(expectations)
    levels = reading.label_all()
    return reading.label_set(label_set_key([f for f, _ in files], expectations, matching, base), levels)


def _check_files(files: Sequence[PublishedFile], base: str) -> None:
    forces: dict[str, bool] = {}
    for file in files:
        if forces.setdefault(file.level, file.forces) != file.forces:
            raise LabelError(
                f"{file.name}: level {file.level} has forces in one file and none in another:"
                " say the same of both, or call them two levels"
            )
    if base not in forces:
        raise LabelError(
            f"no file of level {base} is given (levels: {', '.join(forces) or 'none'}): structures are matched to it"
        )


class _Reading:
    """What has been read so far, by level, and what has been said about it."""

    def __init__(self, system: str, base: str, matching: MatchingSettings) -> None:
        self.system, self.base, self.matching = system, base, matching
        self.frames: dict[str, list[Frame]] = {}
        self.forces: dict[str, bool] = {}
        self.aside: list[SetAside] = []
        self.warnings: dict[str, list[str]] = {}

    def add(self, file: PublishedFile, content: bytes, expectations: Expectations) -> None:
        found = hashlib.sha256(content).hexdigest()
        if found != file.sha256:
            raise LabelError(
                f"{file.name} has changed: its sha256 is {found}, expected {file.sha256}; plan again"
            )
        self.forces[file.level] = file.forces
        self.warnings.setdefault(file.level, [])
        frames, aside = read_published(file, content, expectations)
        self.frames.setdefault(file.level, []).extend(frames)
        self.aside.extend(aside)
        off = max((frame.cell_off for frame in frames), default=0.0)
        if off > _CELL_OFF_WORTH_SAYING:
            self.warnings[file.level].append(
                f"cells of {file.name} are off by up to {100 * off:.2g} % from the training cell"
            )

    def unify(self, expectations: Expectations) -> None:
        """Leave one composition in all levels, and no frame twice in one of them."""
        composition = expectations.composition or self._most_frequent()
        for level, frames in self.frames.items():
            kept = []
            for frame in frames:
                try:
                    check_composition(frame.symbols, composition)
                    kept.append(frame)
                except FrameError as error:
                    self.aside.append(frame.aside(str(error)))
            self.frames[level] = self._without_repeats(kept)

    def _most_frequent(self) -> Mapping[str, int] | None:
        counts = Counter(tuple(sorted(Counter(frame.symbols).items())) for frame in self.frames[self.base])
        return dict(counts.most_common(1)[0][0]) if counts else None

    def _without_repeats(self, frames: list[Frame]) -> list[Frame]:
        repeats = StructureIndex(frames, self.matching).repeated() if frames else {}
        for number, first in repeats.items():
            frame, kept = frames[number], frames[first]
            reason = f"duplicate of {kept.where}"
            if abs(frame.energy_eV - kept.energy_eV) > _SAME_ENERGY_EV:
                reason += f", with another energy ({frame.energy_eV} and {kept.energy_eV} eV)"
                self.warnings[frame.level].append(f"{frame.where}: {reason}; the first is kept")
            self.aside.append(frame.aside(reason))
        return [frame for number, frame in enumerate(frames) if number not in repeats]

    def label_all(self) -> dict[str, dict[str, Label]]:
        """Labels by level and structure key; the base level's are all, the others' those that match."""
        frames = self.frames[self.base]
        if not frames:
            raise LabelError(f"level {self.base} has no usable frame: {self._first_reason(self.base)}")
        structures = [_structure(frame) for frame in frames]
        keys = [structure.key() for structure in structures]
        index = StructureIndex(frames, self.matching)
        levels: dict[str, dict[str, Label]] = {}
        for level in sorted(self.frames, key=lambda level: level != self.base):
            matches = self._matched(level, index, keys)
            levels[level] = {
                keys[m.number]: _label(frame, m, structures[m.number], keys[m.number]) for frame, m in matches
            }
        return levels

    def _matched(self, level: str, index: StructureIndex, keys: Sequence[str]) -> list[tuple[Frame, Match]]:
        if level == self.base:
            order = np.arange(len(index.frames[0].symbols))
            return [(frame, Match(i, 0.0, order)) for i, frame in enumerate(index.frames)]
        best: dict[int, tuple[Frame, Match]] = {}
        for frame in self.frames[level]:
            match = self._match(frame, index)
            if match is None:
                continue
            rival = best.get(match.number)
            if rival and rival[1].distance <= match.distance:
                self.aside.append(
                    frame.aside(f"{rival[0].where} is nearer to the same structure", keys[match.number])
                )
                continue
            if rival:
                self.aside.append(
                    rival[0].aside(f"{frame.where} is nearer to the same structure", keys[match.number])
                )
            best[match.number] = (frame, match)
        return [best[number] for number in sorted(best)]

    def _match(self, frame: Frame, index: StructureIndex) -> Match | None:
        try:
            match = index.find(frame)
        except AmbiguousMatch as error:
            first, second = (index.frames[m.number].where for m in (error.first, error.second))
            self.aside.append(frame.aside(f"ambiguous: about equally near to {first} and {second}"))
            return None
        if match is None:
            self.aside.append(frame.aside(f"unmatched: no structure of level {self.base} has this geometry"))
        return match

    def _first_reason(self, level: str) -> str:
        reasons = Counter(item.reason for item in self.aside if item.level == level)
        if not reasons:
            return "no frame was read"
        reason, count = reasons.most_common(1)[0]
        return f"{reason} ({count} of {sum(reasons.values())} frames set aside)"

    def label_set(self, key: str, levels: dict[str, dict[str, Label]]) -> tuple[LabelSet, dict[str, Label]]:
        """The records, without the levels that cannot be used.

        Raises:
            LabelError: the base level cannot.
        """
        base = levels[self.base]
        if trouble := base_trouble(base):
            raise LabelError(f"level {self.base}: {trouble}")
        kept: dict[str, dict[str, Label]] = {}
        audits: dict[str, LevelAudit] = {}
        for level, labels in levels.items():
            trouble = self._trouble(level, labels, base)
            if trouble:
                self.aside.append(SetAside(level=level, reason=f"level set aside: {trouble}"))
                continue
            audit = audit_base(labels) if level == self.base else audit_level(labels, base, self.base)
            audits[level] = audit.model_copy(update={"warnings": (*self.warnings[level], *audit.warnings)})
            kept[level] = labels
        return LabelSet(
            key=key,
            system=self.system,
            labels={level: {k: label.key for k, label in labels.items()} for level, labels in kept.items()},
            forces={level: self.forces[level] for level in kept},
            set_aside=tuple(self.aside),
            audit=audits,
        ), {label.key: label for labels in kept.values() for label in labels.values()}

    def _trouble(self, level: str, labels: Mapping[str, Label], base: Mapping[str, Label]) -> str | None:
        if level == self.base:
            return None
        if not labels:
            return f"no usable frame: {self._first_reason(level)}"
        return level_trouble(labels, base, self.base)


def _structure(frame: Frame) -> Structure:
    return Structure(symbols=frame.symbols, cell=frame.cell.tolist(), positions=frame.positions.tolist())


def _label(frame: Frame, match: Match, structure: Structure, structure_key: str) -> Label:
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
