"""The payload of the Brillouin zone: its faces, and the band path moved into it."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from campaign.report.crystal import Crystal
from campaign.report.topics.zone.caption import zone_caption
from campaign.report.topics.zone.payload import ZoneFigure, ZonePath, ZonePoint
from flows.phonons.path import BandPath, Segment
from flows.phonons.symmetry import reciprocal_rotations
from flows.records import Vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIFTS = np.array(list(product((-1, 0, 1), repeat=3)))
TOLERANCE = 1e-6


def zone_figure(crystal: Crystal) -> ZoneFigure:
    """The first Brillouin zone of the primitive cell, and the path of its bands."""
    reciprocal = 2 * np.pi * np.linalg.inv(np.array(crystal.cells.primitive.cell)).T
    path = tuple(_piece(crystal, reciprocal, segment) for segment in crystal.path.segments)
    points = tuple(
        ZonePoint(
            label=one.label,
            position=_vector(np.array(one.qpoint) @ reciprocal),
            held=one.held > 0,
            held_by_phonons=one.held_by_phonons > 0,
        )
        for one in crystal.coverage
    )
    missing = ", ".join(point.label for point in points if not point.held)
    return ZoneFigure(
        name=f"zone_{crystal.name}",
        system=crystal.name,
        heading=f"Brillouin zone: {crystal.name}",
        alt=f"The Brillouin zone of {crystal.name} with {', '.join(point.label for point in points)}; "
        + (
            f"the training cell does not hold {missing}."
            if missing
            else "the training cell holds all of them."
        ),
        **zone_caption(crystal)._asdict(),
        training_cell=crystal.training_cell,
        faces=zone_faces(reciprocal),
        path=path,
        points=points,
    )


def zone_faces(reciprocal: NDArray[np.float64]) -> tuple[tuple[Vector, ...], ...]:
    """Corners of each face in turn (Å^-1): the Voronoi cell of the origin in the lattice of the rows."""
    from scipy.spatial import Voronoi

    shifts = np.array(list(product((-2, -1, 0, 1, 2), repeat=3)))
    origin = int(np.flatnonzero((shifts == 0).all(axis=1))[0])
    cell = Voronoi(shifts @ reciprocal)
    faces = []
    for pair, corners in zip(cell.ridge_points, cell.ridge_vertices, strict=True):
        if origin in pair and -1 not in corners:
            faces.append(tuple(_vector(corner) for corner in _merged(cell.vertices[corners])))
    return tuple(sorted(face for face in faces if len(face) > 2))


def _merged(corners: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Without corners that rounding has doubled."""
    return [
        one
        for one, before in zip(corners, np.roll(corners, 1, axis=0), strict=True)
        if np.abs(one - before).max() > TOLERANCE
    ]


def _piece(crystal: Crystal, reciprocal: NDArray[np.float64], segment: Segment) -> ZonePath:
    """A piece inside of the zone that is equivalent to the segment, at the drawn points where there is one.

    X-K of a face-centred cubic lattice lies outside of it; it is equivalent to X-U on its surface.
    """
    images = (
        _images(crystal, segment)
        if not _inside(segment.end, reciprocal) or not _inside(segment.start, reciprocal)
        else [(np.array(segment.start), np.array(segment.end))]
    )
    inside = [(a, b) for a, b in images if _inside(a, reciprocal) and _inside(b, reciprocal)] or images
    names = [tuple(_name(end, crystal.path) for end in ends) for ends in inside]
    best = max(range(len(inside)), key=lambda i: sum(name is not None for name in names[i]))
    (start, end), labels = inside[best], names[best]
    return ZonePath(
        labels=(labels[0] or segment.labels[0], labels[1] or segment.labels[1]),
        start=_vector(start @ reciprocal),
        end=_vector(end @ reciprocal),
    )


def _images(crystal: Crystal, segment: Segment) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Every image of the segment under the point group, time reversal and reciprocal lattice vectors."""
    turns = reciprocal_rotations(crystal.cells.primitive.atoms())
    ends = np.array([segment.start, segment.end])
    return [(a + shift, b + shift) for a, b in ends @ turns for shift in SHIFTS]


def _inside(q: Any, reciprocal: NDArray[np.float64]) -> bool:
    """No reciprocal lattice point is nearer than the origin."""
    away = (np.asarray(q) - SHIFTS) @ reciprocal
    return bool(np.linalg.norm(np.asarray(q) @ reciprocal) < np.linalg.norm(away, axis=1).min() + TOLERANCE)


def _name(q: NDArray[np.float64], path: BandPath) -> str | None:
    return next((label for label, point in path.points.items() if np.abs(q - point).max() < TOLERANCE), None)


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (np.round(values, 6) + 0.0).tolist()
    return x, y, z
