"""What the figure of the Brillouin zone shows."""

from __future__ import annotations

from typing import Literal

from campaign.report.document import Figure, Payload
from campaign.report.qpoints import NamedPoint
from flows.records import Vector


class ZonePath(Payload):
    """A straight piece of the band path inside of the zone (Å^-1), between two named points."""

    labels: tuple[str, str]
    start: Vector
    end: Vector


class ZonePoint(NamedPoint):
    """Where a point is in the zone (Å^-1)."""

    position: Vector


class ZoneFigure(Figure):
    """The Brillouin zone: the corners of each face in turn, the band path, the named points."""

    kind: Literal["zone"] = "zone"
    training_cell: str
    faces: tuple[tuple[Vector, ...], ...]
    path: tuple[ZonePath, ...]
    points: tuple[ZonePoint, ...]
