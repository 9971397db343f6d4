"""How sure phonons are with so many labels, as it is kept."""

from __future__ import annotations

from typing import Literal

from flows.records.base import Record


class Reach(Record):
    """With `count` labels one standard error is, or is predicted to be: RMS over all modes, and of the highest mode at Γ."""

    count: int
    modes_cm1: float
    gamma_cm1: float | None = None


class LearningPoint(Record):
    """What a fit to `count` of the labels gives, chosen as the campaign does or `random` (the median of some draws).

    `modes_cm1` is what it says of itself, `apart_cm1` the RMS over all modes to the fit to all labels, `left_meV_atom` the
    RMSE of what it predicts of the other structures; None where there are none.
    """

    count: int
    draw: Literal["chosen", "random"]
    modes_cm1: float
    apart_cm1: float
    left_meV_atom: float | None = None


class Forecast(Record):
    """How sure the phonons of `model` are with the `labelled` structures of a `pool`, and with more of them.

    All modes are those of the smallest supercell made of training cells that has the symmetry of the crystal, the base's
    by force constants fitted to its forces. `reached` is the fit to what is labelled; None with fewer than `least`, the
    labels that the smallest model needs. `ahead` are predictions for more labels, in the order of the pool, at `noise_meV_atom`: measured, or
    `assumed`. `behind` are fits to some of what is labelled.
    """

    key: str
    faulty: str = ""
    system: str
    model: str
    pool: int
    labelled: int
    least: int
    noise_meV_atom: float
    assumed: bool
    reached: Reach | None = None
    ahead: tuple[Reach, ...] = ()
    behind: tuple[LearningPoint, ...] = ()
    left_out: int = 0
    versions: dict[str, str] = {}
    wall_time_s: float = 0.0
