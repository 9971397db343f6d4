"""What a moving picture of modes needs: atoms in a box, q-points of the band path, and how atoms move there."""

from __future__ import annotations

from campaign.report.document import Payload
from flows.records import Matrix3, Vector

PER_UNIT = 1000
"""Displacements are whole numbers: thousandths of the longest of their mode."""


class Stop(Payload):
    """A q-point of the path: number `index` of its `segment`; `label` where it is a named point (`Γ`, `X`)."""

    segment: int
    index: int
    qpoint: Vector
    label: str = ""
    where: str


class MovingModel(Payload):
    """The modes of one model with one seed, stop by stop and band by band.

    `motion` holds for each mode the real and the imaginary part of every component of every atom of the primitive cell,
    one after the other: x, i x, y, i y, z, i z of the first atom, and so on.
    """

    model: str
    title: str
    seed: int | None
    learned: bool
    frequencies_cm1: tuple[tuple[float, ...], ...]
    motion: tuple[tuple[tuple[int, ...], ...], ...]


class Modes(Payload):
    """The modes of the models of one system and size, and the atoms that show them.

    `sites` are the atoms of the primitive cell that the shown ones are images of, `positions` (Å, from the middle),
    `fractional` in units of the primitive vectors; `bonds` join nearest neighbours; `box` are the vectors of what is shown (Å).
    """

    name: str
    system: str
    size: str
    symbols: tuple[str, ...]
    colours: tuple[str, ...]
    radii_A: tuple[float, ...]
    sites: tuple[int, ...]
    positions: tuple[Vector, ...]
    fractional: tuple[Vector, ...]
    bonds: tuple[tuple[int, int], ...]
    box: Matrix3
    corner: Vector
    segments: tuple[int, ...]
    stops: tuple[Stop, ...]
    models: tuple[MovingModel, ...]
