"""What fits to some of the labels would have given, beside the fit to all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from flows.forecast.crystal import BaseCrystal, rms_apart_cm1
from flows.forecast.prediction import growing
from flows.records import LearningPoint
from flows.training.evaluate import rms
from flows.training.force_constants.choice import Undetermined, choose
from flows.training.force_constants.difference import fitted_difference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flows.training.force_constants.frames import Frames
    from flows.training.force_constants.settings import ForceConstantSettings

DRAWS = 3
FIRST = 10
STEP = 1.6  # between the numbers of labels


def learning_points(crystal: BaseCrystal, frames: Frames, settings: ForceConstantSettings, frequencies: NDArray, fewest: int) -> Iterator[LearningPoint]:
    """By fits to the first of `frames`, and to as many drawn at random; `frequencies` are those of the fit to all."""
    rng = np.random.default_rng(1)
    count = len(frames.keys)
    for some in growing(max(fewest, FIRST), 0.9 * count, STEP):
        yield from _point("chosen", crystal, frames, settings, frequencies, [range(some)])
        draws = [np.sort(rng.permutation(count)[:some]).tolist() for _ in range(DRAWS)]
        yield from _point("random", crystal, frames, settings, frequencies, draws)


def _point(
    draw: Literal["chosen", "random"],
    crystal: BaseCrystal,
    frames: Frames,
    settings: ForceConstantSettings,
    frequencies: NDArray,
    sets: Sequence[Sequence[int]],
) -> Iterator[LearningPoint]:
    found = [one for part in sets if (one := _fit(crystal, frames, settings, frequencies, part)) is not None]
    if not found:
        return
    stated, apart, left = (float(value) for value in np.median(np.array(found), axis=0))
    yield LearningPoint(count=len(sets[0]), draw=draw, modes_cm1=stated, apart_cm1=apart, left_meV_atom=left)


def _fit(
    crystal: BaseCrystal, frames: Frames, settings: ForceConstantSettings, frequencies: NDArray, part: Iterable[int]
) -> tuple[float, float, float] | None:
    """What it says of its error, how far it is from `frequencies` (both in cm^-1), and what it leaves of the others (meV/atom)."""
    some = frames.of_some(part)
    try:
        choice = choose(some, crystal.cell, settings)
    except Undetermined:
        return None
    model = fitted_difference(some, choice)
    others = frames.of_some(at for at, key in enumerate(frames.keys) if key not in set(some.keys))
    predicted = model.energies(others.u, others.sites) + model.slope * others.base_eV
    left = 1e3 * rms(predicted - others.difference_eV) / len(frames.sites)
    return crystal.reach(model, len(some.keys)).modes_cm1, rms_apart_cm1(crystal.frequencies_cm1(model), frequencies), left
