"""What a fit of force constants is asked to do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat

from flows.records import Structure
from flows.settings import Settings
from flows.training.settings import LabelRows


class ForceConstantSettings(Settings):
    """Which force constants may describe a difference. Lengths in Å.

    `cutoffs_A`: the cutoffs of pairs that are tried; none: several shells of neighbours, and all pairs that the training
    cell tells apart. `orders`: 3 and 4 are tried too, up to `higher_cutoff_A` (none: nearest neighbours). `base`: whether
    a multiple of the base enters.
    """

    cutoffs_A: tuple[PositiveFloat, ...] = ()
    orders: tuple[Literal[2, 3, 4], ...] = (2, 3, 4)
    higher_cutoff_A: PositiveFloat | None = Field(default=None)
    base: bool = True


class ForceConstantTask(Settings):
    """One fit: `model` is `<level>-<base level>_fc`, of the crystal `primitive`.

    `train` and `test` list label keys, (label, base label) for each structure, and what else a `TrainingTask` has; there is no seed, and nothing that validates:
    each structure is predicted by all others.
    """

    key: str
    system: str
    model: str
    seed: int | None = None
    size: str
    primitive: Structure
    settings: ForceConstantSettings
    train: LabelRows
    test: LabelRows = ()
    labelled_as: tuple[str, ...] = ()
