"""What the figure of frozen phonons shows: each level by its own engine, models beside it."""

from __future__ import annotations

from typing import Literal

from campaign.report.document import Absent, Figure, Marker, Payload, SeedSet

Range = tuple[float, float]


class FrozenModes(SeedSet):
    """The optical mode at Γ (cm^-1) of a model of one size that stands for a level, a value per seed.

    Of a sum, `line_cm1` is what a straight line in the energy of the level `line_base` alone gives, seed by seed.
    """

    size: str
    values_cm1: tuple[float, ...]
    line_base: str = ""
    line_cm1: tuple[float, ...] = ()


class FrozenLevel(Payload):
    """A level's frozen phonon (cm^-1, negative if imaginary), and the models that stand for the level.

    `direct_cm1` is the same mode from phonons of the level itself, where there are any; `without` says why there are no
    models, where there are none.
    """

    level: str
    title: str
    engine: str
    frozen_cm1: float
    direct_cm1: float | None = None
    models: tuple[FrozenModes, ...] = ()
    without: str = "no phonons yet"


class FrozenFigure(Figure):
    """The optical mode at Γ level by level: frozen phonons, models beside them, and what was measured.

    `range_cm1` is what is shown of frequencies, `off_cm1` of differences to the frozen phonon: all of them.
    """

    kind: Literal["frozen"] = "frozen"
    training_cell: str
    displacements_A: tuple[float, ...]
    levels: tuple[FrozenLevel, ...]
    markers: tuple[Marker, ...] = ()
    absent: tuple[Absent, ...] = ()
    range_cm1: Range
    off_cm1: Range
