"""Where bands are drawn: high-symmetry points and the path through them, in the given primitive cell."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.records import Vector

if TYPE_CHECKING:
    from ase import Atoms
    from numpy.typing import NDArray

GAMMA = "Γ"
FCC_POINTS = (GAMMA, "X", "K", "U", "L", "W")


@dataclass(frozen=True)
class Segment:
    """A straight line between two labelled points, fractional in the reciprocal lattice of the given cell."""

    labels: tuple[str, str]
    start: Vector
    end: Vector

    def qpoints(self, count: int) -> NDArray[np.float64]:
        """(count, 3): evenly spaced, both ends included."""
        return np.linspace(self.start, self.end, count)


@dataclass(frozen=True)
class BandPath:
    """Segments in the order in which they are drawn, and one q-point for each label."""

    segments: tuple[Segment, ...]
    points: dict[str, Vector]

    @property
    def from_gamma(self) -> dict[str, Vector]:
        """Where the segments that touch Γ lead to, by label, in the order of the path: seen from Γ."""
        found: dict[str, Vector] = {}
        for segment in self.segments:
            for near, far, q in ((*segment.labels, segment.end), (*segment.labels[::-1], segment.start)):
                if near == GAMMA:
                    found.setdefault(far, q)
        return found


def band_path(primitive: Atoms) -> BandPath:
    """The band path of a crystal, whatever its orientation and the choice of its primitive vectors.

    Points and paths are those of Hinuma et al., Comput. Mater. Sci. 128, 140 (2017), by seekpath, except for
    face-centred cubic lattices. There the path is Γ-X-K-Γ-L: the paper names the directions Γ-X, K-Γ and Γ-L
    that its figures show but not the path, so this is our reading of it. X-K-Γ is one straight line, from
    X = (1, 1, 0) through K = (3/4, 3/4, 0) in units of 2π/a; its part X-K is equivalent to X-U.

    Raises:
        ValueError: the cell is not primitive, so that the labels would lie about the points.
    """
    found = _seekpath(primitive)
    if found["is_supercell"]:
        raise ValueError(
            "bands are labelled in a primitive cell: make one with flows.phonons.cells.primitive"
        )
    points = {_label(name): _vector(q) for name, q in found["point_coords"].items()}
    if found["bravais_lattice"] == "cF":
        return _fcc_path(points)
    segments = tuple(_segment(points, _label(a), _label(b)) for a, b in found["path"])
    used = {label for segment in segments for label in segment.labels}
    return BandPath(segments, {label: q for label, q in points.items() if label in used})


def _fcc_path(points: dict[str, Vector]) -> BandPath:
    far_x = _vector(4 / 3 * np.array(points["K"]))  # (1, 1, 0), a reciprocal lattice vector away from an X
    segments = (
        _segment(points, GAMMA, "X"),
        Segment(("X", "K"), far_x, points["K"]),
        _segment(points, "K", GAMMA),
        _segment(points, GAMMA, "L"),
    )
    return BandPath(segments, {label: points[label] for label in FCC_POINTS})


def _segment(points: dict[str, Vector], start: str, end: str) -> Segment:
    return Segment((start, end), points[start], points[end])


def _seekpath(primitive: Atoms) -> dict[str, Any]:
    import seekpath

    structure = (primitive.cell.array, primitive.get_scaled_positions(), primitive.numbers)
    with warnings.catch_warnings():
        # a supercell is refused by the caller, in our words
        warnings.simplefilter("ignore", seekpath.SupercellWarning)
        return seekpath.get_path_orig_cell(structure)


def _label(name: str) -> str:
    return GAMMA if name == "GAMMA" else name


def _vector(q: Any) -> Vector:
    """Three plain floats, without the rounding errors of seekpath's rotations where the exact value is simple."""
    exact = np.asarray(q, dtype=float)
    simple = np.rint(exact * 240) / 240
    x, y, z = np.where(np.abs(exact - simple) < 1e-9, simple, exact) + 0.0
    return float(x), float(y), float(z)
