"""What more labels would give: the error that a fit to them will have, from their structures and the noise alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from flows.forecast.crystal import BaseCrystal
from flows.records import Reach
from flows.training.force_constants.basis import SymmetryBasis
from flows.training.force_constants.choice import Tried
from flows.training.force_constants.difference import pair_fit
from flows.training.force_constants.fit import Noise, posterior
from flows.training.force_constants.model import ForceConstants
from flows.training.force_constants.renormalization import USUAL_CHANGE, renormalized, with_change

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from flows.training.force_constants.frames import Frames

STEP = 1.1  # between the numbers of labels that are looked at


@dataclass(frozen=True, eq=False)
class Expectation:
    """A model that labels are to determine: its force constants as far as they are known, `basis`, and `noise`.

    `mean` (1 + P,) are α and the pairs of `known`. The errors that are predicted are multiplied by `scale`.
    """

    crystal: BaseCrystal
    known: ForceConstants
    mean: NDArray
    basis: SymmetryBasis
    noise: Noise
    with_base: bool
    with_forces: bool
    scale: float = 1.0

    @classmethod
    def before(cls, crystal: BaseCrystal, noise_eV: float, with_base: bool) -> Expectation:
        """With no label: energies of this noise, for force constants that may be as large as the base's own."""
        basis, priors, at = crystal.basis, [], 0
        for one in basis.orders:
            mine = crystal.parameters[at : at + one.count]
            priors.append(float(np.sqrt((mine**2).mean())))
            at += one.count
        nothing = tuple(one.weighted(np.zeros(one.count)) for one in basis.orders)
        known = ForceConstants(crystal.cell.primitive, 0.0, 0.0, nothing, ())
        there = (prior for prior, one in zip(priors, basis.orders, strict=True) if one.count)
        mean = np.zeros(1 + basis.orders[0].count)
        return cls(crystal, known, mean, basis, Noise(noise_eV, 0.0, 1.0, (*there, USUAL_CHANGE)), with_base, with_forces=False)

    @classmethod
    def after(cls, crystal: BaseCrystal, model: ForceConstants, chosen: Tried, labelled: Frames, with_base: bool) -> Expectation:
        """With what is `labelled`: the noise and the priors are the fit's, and so is the part that cutoffs have in the error."""
        noise = renormalized(labelled, chosen).posterior.noise
        found = cls(crystal, model, pair_fit(chosen).mean, chosen.basis, noise, with_base, labelled.with_forces)
        by_noise = found.reach(labelled).modes_cm1
        stated = crystal.reach(model, len(labelled.keys)).modes_cm1
        return replace(found, scale=stated / by_noise if by_noise > 0 else 1.0)

    def reach(self, frames: Frames) -> Reach:
        """With labels of all of `frames`."""
        asked = replace(frames, with_forces=self.with_forces)
        seen = with_change(asked, self.basis, asked.observations(self.basis, self.with_base))
        fit = pair_fit(Tried(self.basis, seen, posterior(seen, self.noise)))
        model = replace(self.known, fits=(replace(fit, mean=self.mean),))
        found = self.crystal.reach(model, len(frames.keys))
        gamma = None if found.gamma_cm1 is None else self.scale * found.gamma_cm1
        return Reach(count=found.count, modes_cm1=self.scale * found.modes_cm1, gamma_cm1=gamma)

    def ahead(self, pool: Frames, counts: Iterable[int]) -> Iterator[Reach]:
        """With the first structures of `pool`, so many of each of `counts`; where the noise leaves no digits for an error, none."""
        # what a fit would explain has to have a size: that of the base
        sized = replace(pool, difference_eV=pool.base_eV - pool.base_eV.mean(), difference_forces=pool.base_forces)
        for count in counts:
            with suppress(np.linalg.LinAlgError):
                found = self.reach(sized.of_some(range(count)))
                if np.isfinite(found.modes_cm1):
                    yield found


def counts_to(most: int, fewest: int) -> list[int]:
    """From `fewest` on, each a tenth more than the last, to `most` itself."""
    return [*growing(max(fewest, 1), most, STEP), most] if most >= fewest else []


def growing(count: int, below: float, step: float) -> Iterator[int]:
    """From `count` on, each `step` times the last and one more at least."""
    while count < below:
        yield count
        count = max(count + 1, round(count * step))
