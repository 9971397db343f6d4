"""The fit of a difference: Bayesian linear regression whose noise and priors the evidence chooses.

y = A θ + ε. Rows are energies and, where both levels have them, forces; columns are a constant, the base, and the force
constants. ε has the variance σ² + (κ x)² for energies, x the energy of the base above its lowest: what a polynomial leaves
out grows with the amplitude. θ has a Gaussian prior of mean zero, with a scale for each group of columns. With these given,
the rest is closed form (C. M. Bishop, Pattern Recognition and Machine Learning, sections 3.3 and 3.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SINGULAR = 1e-7  # of the largest singular value
CONSTANT, BASE = -1, -2  # groups of columns without a prior of their own
_BROAD = 1e2  # of the spread of what is explained: says nothing about a constant or a slope
_RUNS = 8.0  # of logarithms, how far they may run from where they begin
_EXPECTED_RUNS = 0.7  # the same of what is expected
_STARTS = (0.03, 1.0)  # of the amplitude-dependent part of the noise, in parts of the constant one


@dataclass(frozen=True, eq=False)
class Observations:
    """`rows` (n, P) and `values` (n,): eV for energies, eV/Å for forces; `amplitudes` (n,): x in eV, 0 for forces;
    `are_forces` (n,); `groups` (P,): columns that share a prior, negative for the
    constant and the base, which have none."""

    rows: NDArray
    values: NDArray
    amplitudes: NDArray
    are_forces: NDArray[np.bool_]
    groups: NDArray[np.int64]

    def determine_all(self) -> bool:
        """Whether no combination of the force constants leaves every row as it is: their priors would decide of it alone.

        A multiple of a harmonic base is such a combination with them, whichever way frequencies are the same.
        """
        columns = (self.rows / self.scales)[:, self.groups != BASE]
        found = np.linalg.svd(columns, compute_uv=False)
        return len(columns) >= columns.shape[1] and bool(found[-1] > _SINGULAR * found[0])

    @cached_property
    def with_priors(self) -> list[int]:
        """The groups that share a prior, in order."""
        return sorted({int(group) for group in self.groups if group >= 0})

    @cached_property
    def scales(self) -> NDArray:
        """(P,): a typical size of each column, so that none is lost in rounding."""
        found = np.sqrt((self.rows**2).mean(axis=0))
        return np.where(found > 0, found, 1.0)


@dataclass(frozen=True, eq=False)
class Noise:
    """Of energies σ (eV) and κ (a number), of forces `sigma_forces` (eV/Å); `priors`: of each group, in its units."""

    sigma: float
    kappa: float
    sigma_forces: float
    priors: tuple[float, ...]

    def variances(self, seen: Observations) -> NDArray:
        of_energies = self.sigma**2 + (self.kappa * seen.amplitudes) ** 2
        return np.where(seen.are_forces, self.sigma_forces**2, of_energies)


@dataclass(frozen=True, eq=False)
class Posterior:
    """What the observations say of θ: `mean` (P,), `covariance` (P, P), and the logarithm of their evidence."""

    mean: NDArray
    covariance: NDArray
    log_evidence: float
    noise: Noise
    held_out: NDArray  # (n,): what is left of each row, predicted by all others, at the same noise
    held_out_variances: NDArray  # (n,): what these predictions say of themselves
    condition: float  # of the matrix that was inverted, its columns scaled

    def predictive(self, seen: Observations) -> NDArray:
        """(frames,): the logarithm of the density of each frame's energy, predicted by all others."""
        mine = ~seen.are_forces
        left, variance = self.held_out[mine], self.held_out_variances[mine]
        return np.asarray(-0.5 * (np.log(2 * np.pi * variance) + left**2 / variance))


def posterior(seen: Observations, noise: Noise) -> Posterior:
    """With noise and priors given.

    Raises:
        numpy.linalg.LinAlgError: the columns are not determined even with their priors.
    """
    solved = _Solved.of(seen, noise)
    scale, weights = seen.scales, solved.weights
    inverse, leverage = solved.inverse, solved.leverage
    return Posterior(
        mean=solved.mean / scale,
        covariance=inverse / np.outer(scale, scale),
        log_evidence=solved.log_evidence,
        noise=noise,
        held_out=solved.left / (1 - leverage),
        held_out_variances=1 / (weights * (1 - leverage)),
        condition=float(np.linalg.cond(solved.matrix)),
    )


@dataclass(frozen=True, eq=False)
class _Solved:
    """The normal equations with scaled columns, and their evidence: all that a search for noise and priors needs."""

    rows: NDArray
    weights: NDArray
    precision: NDArray
    matrix: NDArray
    mean: NDArray
    left: NDArray
    log_evidence: float

    @classmethod
    def of(cls, seen: Observations, noise: Noise) -> _Solved:
        precision = _prior_precision(seen, noise) / seen.scales**2
        rows = seen.rows / seen.scales
        weights = 1.0 / noise.variances(seen)
        matrix = rows.T @ (weights[:, None] * rows) + np.diag(precision)
        lower = np.linalg.cholesky(matrix)
        mean = np.linalg.solve(lower.T, np.linalg.solve(lower, rows.T @ (weights * seen.values)))
        left = seen.values - rows @ mean
        log_evidence = 0.5 * (
            np.log(weights).sum()
            + np.log(precision).sum()
            - 2 * np.log(np.diag(lower)).sum()
            - (weights * left**2).sum()
            - (precision * mean**2).sum()
            - len(seen.values) * np.log(2 * np.pi)
        )
        return cls(rows, weights, precision, matrix, mean, left, float(log_evidence))


    @property
    def leverage(self) -> NDArray:
        """(n,): how much each row decides of what is predicted for it."""
        return np.asarray(self.weights * ((self.rows @ self.inverse) * self.rows).sum(axis=1))

    @cached_property
    def inverse(self) -> NDArray:
        return np.asarray(np.linalg.inv(self.matrix))

    def gradient(self, seen: Observations, noise: Noise) -> NDArray:
        """Of the evidence's logarithm, by the logarithms of σ, κ, that of forces, and the priors (C. E. Rasmussen,
        C. K. I. Williams, Gaussian Processes for Machine Learning, equation 5.9)."""
        # by the variance of each row: C^-1 y is what is left, weighted
        by_variance = 0.5 * ((self.weights * self.left) ** 2 - self.weights * (1 - self.leverage))
        energies = np.where(seen.are_forces, 0.0, by_variance)
        of_noise = [
            2 * noise.sigma**2 * energies.sum(),
            2 * noise.kappa**2 * (energies * seen.amplitudes**2).sum(),
            2 * noise.sigma_forces**2 * by_variance[seen.are_forces].sum(),
        ]
        of_priors = self.precision * (self.mean**2 + np.diag(self.inverse)) - 1
        return np.array([*of_noise, *(of_priors[seen.groups == group].sum() for group in seen.with_priors)])


def fitted(seen: Observations, expected: Mapping[int, float] = MappingProxyType({})) -> Posterior:
    """With the noise and the priors that make what was seen most probable; those of the groups in `expected` are near that,
    within a factor of two or so, where the labels do not say more."""
    from scipy.optimize import minimize

    energies = ~seen.are_forces
    centred = seen.values[energies] - seen.values[energies].mean()
    spread = max(float(np.std(centred)), 1e-9)
    reach = max(float(seen.amplitudes.max()), 1e-9)
    of_forces = max(float(np.sqrt((seen.values[seen.are_forces] ** 2).mean())), 1e-9) if seen.are_forces.any() else 1.0
    groups = seen.with_priors
    usual = (1.0 / float(np.sqrt((seen.scales[seen.groups == group] ** 2).mean())) * spread for group in groups)
    units = [expected.get(group, one) for group, one in zip(groups, usual, strict=True)]

    def noise(logs: NDArray) -> Noise:
        priors = tuple(unit * float(np.exp(one)) for unit, one in zip(units, logs[3:], strict=True))
        return Noise(spread * float(np.exp(logs[0])), spread / reach * float(np.exp(logs[1])), of_forces * float(np.exp(logs[2])), priors)

    def loss(logs: NDArray) -> tuple[float, NDArray]:
        asked = noise(logs)
        # where nothing decides, nothing runs away
        away = (logs - middle) / runs
        try:
            solved = _Solved.of(seen, asked)
        except np.linalg.LinAlgError:
            return 1e9, away / runs
        return 0.5 * float((away**2).sum()) - solved.log_evidence, away / runs - solved.gradient(seen, asked)

    runs = np.array([*(_RUNS,) * 3, *(_EXPECTED_RUNS if group in expected else _RUNS for group in groups)])
    middle = np.array([np.log(0.1), np.log(0.1), np.log(0.1), *(0.0,) * len(groups)])
    bounds = [(-16.0, 2.0), (-16.0, 2.0), (-16.0, 2.0), *((-7.0, 7.0),) * len(groups)]
    if not seen.are_forces.any():
        bounds[2] = (middle[2], middle[2])
    tried = []
    for part in _STARTS:
        start = middle + np.array([0.0, np.log(part), 0.0, *(0.0,) * len(groups)])
        tried.append(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds))
    return posterior(seen, noise(min(tried, key=lambda one: float(one.fun)).x))


def _prior_precision(seen: Observations, noise: Noise) -> NDArray:
    """(P,): 1 / variance of each column's prior."""
    spread = max(float(np.std(seen.values[~seen.are_forces])), 1e-9)
    broad = (_BROAD * max(spread, float(np.abs(seen.values[~seen.are_forces]).max())) / seen.scales) ** -2
    found = broad
    for group, prior in zip(seen.with_priors, noise.priors, strict=True):
        found = np.where(seen.groups == group, prior**-2, found)
    return found
