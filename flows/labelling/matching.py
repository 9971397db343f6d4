"""The same structure in different files, found by geometry: never by its place in a file.

Candidates come from a k-d tree over structure factors per element, S_e(G) = mean over atoms of
exp(2πi G·x), x fractional, G small integers: they do not change when atoms are renumbered or moved by
lattice vectors, and when no atom moves further than t they change by at most 2π|G| t / (smallest singular
value of the cell). So no structure within the tolerance is missed; each candidate is then compared atom by atom.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from flows.labelling.published.frame import Frame
from flows.labelling.settings import MatchingSettings

_G = np.array([g for g in itertools.product((-1, 0, 1), repeat=3) if g > (0, 0, 0)])
_CLEARLY_NEARER = 3.0  # the second candidate is at least this many times as far


@dataclass(frozen=True, eq=False)
class Match:
    """Structure number `number` lies `distance` Å away (largest displacement of an atom); its atom i is atom
    `order[i]` of the frame that was asked for."""

    number: int
    distance: float
    order: np.ndarray


class AmbiguousMatch(Exception):
    """Two structures are about equally near: their numbers."""

    def __init__(self, first: Match, second: Match) -> None:
        super().__init__(first.number, second.number)
        self.first, self.second = first, second


class StructureIndex:
    """Frames in which structures are looked up by geometry. All have the same composition."""

    def __init__(self, frames: Sequence[Frame], matching: MatchingSettings) -> None:
        self.frames = list(frames)
        self.matching = matching
        self._fractional = [_fractional(frame) for frame in self.frames]
        self._tree = cKDTree(np.array([_descriptor(frame) for frame in self.frames]))
        self._stretch = max(1 / np.linalg.svd(frame.cell, compute_uv=False)[-1] for frame in self.frames)

    def near(self, frame: Frame, tolerance_A: float) -> list[Match]:
        """All structures within the tolerance, nearest first."""
        numbers = self._candidates([frame], tolerance_A)[0]
        return sorted(self._matches(frame, numbers, tolerance_A), key=lambda match: match.distance)

    def find(self, frame: Frame) -> Match | None:
        """The structure that `frame` shows, if it is here.

        Raises:
            AmbiguousMatch: two lie within the tolerance and none is clearly nearer.
        """
        found = self.near(frame, self.matching.position_tolerance_A)
        if len(found) > 1 and found[1].distance < _CLEARLY_NEARER * found[0].distance:
            raise AmbiguousMatch(found[0], found[1])
        return found[0] if found else None

    def repeated(self) -> dict[int, int]:
        """Numbers of frames that repeat an earlier one -> the number of that one."""
        tolerance_A = self.matching.duplicate_tolerance_A
        repeats: dict[int, int] = {}
        for number, near in enumerate(self._candidates(self.frames, tolerance_A)):
            earlier = [i for i in sorted(near) if i < number and i not in repeats]
            if match := next(self._matches(self.frames[number], earlier, tolerance_A), None):
                repeats[number] = match.number
        return repeats

    def _candidates(self, frames: Sequence[Frame], tolerance_A: float) -> list[list[int]]:
        reach = 2 * np.pi * np.sqrt(3) * self._stretch * tolerance_A
        points = np.array([_descriptor(frame) for frame in frames])
        found = self._tree.query_ball_point(points, r=1.001 * reach + 1e-9, p=np.inf)
        return [list(numbers) for numbers in found]

    def _matches(self, frame: Frame, numbers: Sequence[int], tolerance_A: float) -> Iterator[Match]:
        fractional = _fractional(frame)
        for number in numbers:
            other = self.frames[number]
            if np.abs(frame.cell - other.cell).max() > self.matching.cell_tolerance_A:
                continue
            compared = _compare(other, self._fractional[number], frame, fractional, tolerance_A)
            if compared is not None and compared[0] <= tolerance_A:
                yield Match(number, *compared)


def _fractional(frame: Frame) -> np.ndarray:
    return np.linalg.solve(frame.cell.T, frame.positions.T).T


def _descriptor(frame: Frame) -> np.ndarray:
    """Real and imaginary parts of S_e(G), elements in alphabetical order."""
    waves = np.exp(2j * np.pi * (_fractional(frame) @ _G.T))
    symbols = np.array(frame.symbols)
    means = np.concatenate([waves[symbols == symbol].mean(axis=0) for symbol in sorted(set(frame.symbols))])
    return np.concatenate([means.real, means.imag])


def _compare(
    known: Frame, known_fractional: np.ndarray, frame: Frame, fractional: np.ndarray, tolerance_A: float
) -> tuple[float, np.ndarray] | None:
    """Largest displacement (Å) and the order of the atoms; the order of the file is tried first."""
    if known.symbols == frame.symbols:
        distance = float(_lengths(fractional - known_fractional, known.cell).max())
        if distance <= tolerance_A:
            return distance, np.arange(len(fractional))
    order = np.empty(len(fractional), dtype=int)
    ours, theirs = np.array(known.symbols), np.array(frame.symbols)
    distance = 0.0
    for symbol in set(known.symbols):
        mine, candidates = np.flatnonzero(ours == symbol), np.flatnonzero(theirs == symbol)
        lengths = _lengths(fractional[candidates][None] - known_fractional[mine][:, None], known.cell)
        nearest = lengths.argmin(axis=1)
        order[mine] = candidates[nearest]
        distance = max(distance, float(lengths.min(axis=1).max()))
        if distance > tolerance_A or len(set(nearest)) < len(mine):
            return None
    return distance, order


def _lengths(difference: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Lengths (Å) of fractional differences, each to the image nearest in fractional coordinates."""
    return np.linalg.norm((difference - difference.round()) @ cell, axis=-1)
