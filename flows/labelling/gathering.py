"""The frames of all files, by level: checked, each structure once, matched to the base level; the rest named."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping

import numpy as np

from flows.labelling.header import FrameError
from flows.labelling.lattice import is_of_another, remark, why_aside, why_none
from flows.labelling.matching import AmbiguousMatch, Match, StructureIndex
from flows.labelling.published.frame import Frame, LabelError, check_composition
from flows.labelling.published.reading import read_published
from flows.labelling.settings import Expectations, MatchingSettings, PublishedFile
from flows.records import SetAside

_SAME_ENERGY_EV = 2e-3  # published energies are rounded to 1e-3 eV
_OFF_WORTH_SAYING_EV = 1e-3


class Gathering:
    """What has been read so far: `frames`, `forces` and `warnings` by level, and `aside` with its reasons."""

    def __init__(self, base: str, matching: MatchingSettings) -> None:
        self.base, self.matching = base, matching
        self.frames: dict[str, list[Frame]] = {}
        self.forces: dict[str, bool] = {}
        self.warnings: dict[str, list[str]] = {}
        self.aside: list[SetAside] = []
        self.of_another_lattice: dict[str, list[Frame]] = {}
        self.expectations = Expectations()
        self.beside: dict[tuple[str, str, str], tuple[float, Frame]] = {}  # by level, energy used, another
        self.in_eV: set[str] = set()  # levels whose units the user vouches for

    def add(self, file: PublishedFile, contents: Mapping[str, bytes], expectations: Expectations) -> None:
        """Read one more file; `contents` has it and what lies beside it by their sha256.

        Raises:
            LabelError: one is not what its sha256 says, or the file disagrees with another about forces.
        """
        for sha256, name in file.names.items():
            found = hashlib.sha256(contents[sha256]).hexdigest()
            if found != sha256:
                raise LabelError(f"{name} has changed: its sha256 is {found}, not {sha256}; submit again")
        if self.forces.setdefault(file.level, file.forces) != file.forces:
            raise LabelError(
                f"{file.name}: level {file.level} has forces in one file and none in another:"
                " say the same of both, or call them two levels"
            )
        self.expectations = expectations
        self.in_eV |= {file.level} if file.in_eV else set()
        beside = {role: contents[one.sha256] for role, one in file.beside.items()}
        readable, aside = read_published(file, contents[file.sha256], expectations, beside)
        self.aside.extend(aside)
        frames = self._of_this_lattice(readable)
        self.frames.setdefault(file.level, []).extend(frames)
        warnings = self.warnings.setdefault(file.level, [])
        if remarked := remark(frames, expectations, file.name):
            warnings.append(remarked)
        for frame in frames:
            self._compare(frame)

    def _compare(self, frame: Frame) -> None:
        """Note the frame of a level where another energy of the file differs most from the one that is used."""
        for other, off in frame.beside.items():
            key = (frame.level, frame.energy_key, other)
            if off > max(_OFF_WORTH_SAYING_EV, self.beside[key][0] if key in self.beside else 0.0):
                self.beside[key] = (off, frame)

    def energies_beside(self, level: str) -> tuple[str, ...]:
        """That other energies differ from the ones that are used, and how to have them."""
        return tuple(
            f"{frame.file}: {used} is used; {other} differs by up to {off:.4g} eV: if it is meant, energy_key: {other}"
            for (of, used, other), (off, frame) in self.beside.items()
            if of == level
        )

    def _of_this_lattice(self, frames: list[Frame]) -> list[Frame]:
        """Those at the lattice of the training cell; the others are set aside."""
        others = [frame for frame in frames if is_of_another(frame, self.expectations)]
        for frame in others:
            self.of_another_lattice.setdefault(frame.level, []).append(frame)
            self.aside.append(frame.aside(why_aside(frame, self.expectations)))
        return [frame for frame in frames if not is_of_another(frame, self.expectations)]

    def unify(self, composition: Mapping[str, int] | None) -> None:
        """Leave one composition in all levels (the base level's most frequent one, if none is given), and no
        structure twice in one level."""
        composition = composition or self._most_frequent()
        for level, frames in self.frames.items():
            fitting = self._of_the_same_parts([f for f in frames if self._fits(f, composition)])
            self.frames[level] = self._without_repeats(fitting)

    def _most_frequent(self) -> Mapping[str, int] | None:
        counts = Counter(
            tuple(sorted(Counter(frame.symbols).items())) for frame in self.frames.get(self.base, [])
        )
        return dict(counts.most_common(1)[0][0]) if counts else None

    def _fits(self, frame: Frame, composition: Mapping[str, int] | None) -> bool:
        try:
            check_composition(frame.symbols, composition)
        except FrameError as error:
            self.aside.append(frame.aside(str(error)))
            return False
        return True

    def _of_the_same_parts(self, frames: list[Frame]) -> list[Frame]:
        """Those whose energies are sums of what most are sums of; a run that was cut off lacks its last corrections."""
        counts = Counter(frame.parts for frame in frames if frame.parts)
        if not counts:
            return frames
        usual = max(counts, key=lambda parts: (counts[parts], len(parts)))
        self.warnings[frames[0].level].append(f"energies are {' + '.join(usual)}")
        kept = []
        for frame in frames:
            if frame.parts in ((), usual):
                kept.append(frame)
            else:
                self.aside.append(frame.aside(f"its energy is {' + '.join(frame.parts)}, of most of this level {' + '.join(usual)}"))
        return kept

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

    def matched(self) -> dict[str, list[tuple[Frame, Match]]]:
        """For each level, the base level first, its frames with the number of the base frame that they show.

        Raises:
            LabelError: the base level is absent or has no usable frame.
        """
        if self.base not in self.frames:
            given = ", ".join(self.frames) or "none"
            raise LabelError(
                f"no file of level {self.base} is given (levels: {given}): all are matched to it"
            )
        frames = self.frames[self.base]
        if not frames:
            raise LabelError(f"level {self.base} has no usable frame: {self.most_frequent_reason(self.base)}")
        same = np.arange(len(frames[0].symbols))
        index = StructureIndex(frames, self.matching)
        found = {self.base: [(frame, Match(number, 0.0, same)) for number, frame in enumerate(frames)]}
        for level in sorted(self.frames.keys() - {self.base}):
            found[level] = self._matched(level, index)
        return found

    def _matched(self, level: str, index: StructureIndex) -> list[tuple[Frame, Match]]:
        best: dict[int, tuple[Frame, Match]] = {}
        for frame in self.frames[level]:
            match = self._match(frame, index)
            if match is None:
                continue
            one, rival = (frame, match), best.get(match.number)
            if rival:
                one, rival = sorted((rival, one), key=lambda pair: pair[1].distance)
                self.aside.append(rival[0].aside(f"{one[0].where} is nearer to the same structure"))
            best[match.number] = one
        return [best[number] for number in sorted(best)]

    def _match(self, frame: Frame, index: StructureIndex) -> Match | None:
        try:
            match = index.find(frame)
        except AmbiguousMatch as error:
            first, second = (index.frames[m.number].where for m in (error.first, error.second))
            self.aside.append(frame.aside(f"ambiguous: about equally near to {first} and {second}"))
            return None
        if match is None:
            self.aside.append(
                frame.aside(f"unmatched: no usable frame of level {self.base} has this structure")
            )
        return match

    def most_frequent_reason(self, level: str) -> str:
        """Why most of the frames of a level were set aside."""
        reasons = Counter(item.reason for item in self.aside if item.level == level)
        if not reasons:
            return "none was read"
        reason, count = reasons.most_common(1)[0]
        others = self.of_another_lattice.get(level, [])
        if others and 2 * len(others) >= sum(reasons.values()):
            reason, count = why_none(others, self.expectations, base=level == self.base), len(others)
        return f"{reason} ({count} of the {sum(reasons.values())} frames set aside)"
