"""What a forecast is asked to tell."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat

from flows.records import Structure
from flows.settings import Settings
from flows.training.force_constants.settings import ForceConstantSettings
from flows.training.settings import LabelRows


class ForecastTask(Settings):
    """How sure the phonons of `model`, `<level>-<base level>_fc`, are with so many labels of its level.

    `pool` lists label keys of the base level, of all structures that may be labelled, in the order in which they are;
    `labelled` (label, ..., base label) of those that have been, as of a `TrainingTask`, in the same order, unless `draw` puts both into that of a choice.
    Until labels tell the noise, it is assumed.
    """

    key: str
    system: str
    model: str
    primitive: Structure
    settings: ForceConstantSettings
    pool: tuple[str, ...]
    labelled: LabelRows = ()
    labelled_as: tuple[str, ...] = ()
    draw: Literal["given", "informative", "farthest"] = "given"
    noise_meV_atom: PositiveFloat = 0.2
