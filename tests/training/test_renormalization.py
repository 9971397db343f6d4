"""What large displacements hide of force constants: stated, whatever the fit leaves over, and found where displacements differ."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from lattice_toys import DIAMOND, TRAINING, toy

from flows.phonons.uncertainty import Modes, dynamical_matrices, variances
from flows.training.force_constants.basis import Interactions, symmetric_cell, symmetry_basis
from flows.training.force_constants.choice import choose
from flows.training.force_constants.difference import fitted_difference, pair_fit
from flows.training.force_constants.frames import Frames
from flows.training.force_constants.model import ForceConstants
from flows.training.force_constants.renormalization import _energies, _forces
from flows.training.force_constants.settings import ForceConstantSettings
from flows.training.force_constants.sites import Sites

PAIRS_A = 2.7
ONE = ForceConstantSettings(cutoffs_A=(PAIRS_A,), orders=(2,), base=False)
SMALL_A, LARGE_A = 0.02, 0.08
HARDENING_A2 = 2.0
MASSES = DIAMOND.get_masses()


@dataclass
class Hardening:
    """A base of stiffness `base` (P,), and a difference of `rest` (P,) at rest that has `HARDENING_A2` of the base's more for each
    Å² of a frame's mean square displacement."""

    pairs: Interactions
    base: np.ndarray
    rest: np.ndarray
    frames: Frames

    @classmethod
    def of(cls, displacements_A: tuple[float, ...], count: int = 40, noise_eV: float = 1e-4) -> Hardening:
        sites, rng = Sites.of_matrix(DIAMOND, TRAINING["diamond"]), np.random.default_rng(4)
        (pairs,) = symmetry_basis(symmetric_cell(DIAMOND, sites), {2: PAIRS_A}).orders
        sizes = np.resize(displacements_A, count)
        u = sizes[:, None, None] * rng.normal(size=(count, len(sites), 3))
        u -= u.mean(axis=1, keepdims=True)
        columns = pairs.energies(u, sites)
        base = np.linalg.lstsq(columns, 20.0 * (u**2).sum(axis=(1, 2)), rcond=None)[0]  # stable: as an Einstein crystal's
        rest = 0.1 * np.abs(base).max() * rng.normal(size=pairs.count)
        grown = (u**2).sum(axis=2).mean(axis=1)[:, None] * columns
        difference = columns @ rest + HARDENING_A2 * grown @ base + noise_eV * rng.normal(size=count)
        nothing = np.zeros_like(u)
        frames = Frames(sites, tuple(map(str, range(count))), u, columns @ base, difference, nothing, nothing, False)
        return cls(pairs, base, rest, frames)

    def model(self) -> ForceConstants:
        return fitted_difference(self.frames, choose(self.frames, symmetric_cell(DIAMOND, self.frames.sites), ONE))

    def modes(self, difference: np.ndarray) -> Modes:
        """At Γ, with the parameters (P,) of a difference on the base."""
        gamma = np.zeros(3)
        matrices = dynamical_matrices(self.pairs, DIAMOND, gamma, MASSES)
        return Modes.of_matrix(gamma, MASSES, np.tensordot(self.base + difference, matrices, 1))


def missed_and_stated(one: Hardening) -> tuple[float, float, float]:
    """Of the optical mode at Γ in cm^-1: how far the fit is from rest, its stated error, and the part of that which noise makes."""
    model = one.model()
    choice = choose(one.frames, symmetric_cell(DIAMOND, one.frames.sites), ONE)
    plain = pair_fit(choice.chosen)
    found, truth = one.modes(plain.mean[1:]), one.modes(one.rest)
    at = int(np.abs(truth.frequencies).argmax())
    by_noise = replace(model, fits=(plain,))
    missed = abs(found.frequencies[at] - truth.frequencies[at])
    return missed, *(float(np.sqrt(variances(some, found)[at])) for some in (model, by_noise))


def test_frames_that_are_displaced_alike_hide_it_and_the_error_says_so() -> None:
    missed, stated, by_noise = missed_and_stated(Hardening.of((LARGE_A,)))
    assert missed > 4 * by_noise
    assert missed < 2 * stated


def test_frames_that_are_not_tell_it() -> None:
    """What the fits say of rest is near it, and nearer than what is effective at the displacements."""
    one = Hardening.of((SMALL_A, LARGE_A))
    model = one.model()
    (fit,) = model.fits
    effective = pair_fit(choose(one.frames, symmetric_cell(DIAMOND, one.frames.sites), ONE).chosen)
    assert np.abs(fit.mean[1:] - one.rest).max() < 0.2 * np.abs(effective.mean[1:] - one.rest).max()
    missed, stated, _ = missed_and_stated(one)
    assert missed < 2 * stated
    assert stated < 0.5 * missed_and_stated(Hardening.of((LARGE_A,)))[1]


def test_columns_of_forces_are_the_derivative_of_those_of_energies() -> None:
    one = toy("wurtzite", 1)
    frames = one.data(forces=True)
    (pairs,) = symmetry_basis(symmetric_cell(one.primitive, one.sites), {2: 2.2}).orders
    step = 1e-4 * np.random.default_rng(2).normal(size=frames.u.shape)
    step -= step.mean(axis=1, keepdims=True)
    ahead, back = (_energies(replace(frames, u=frames.u + sign * step), pairs) for sign in (1, -1))
    expected = -step.ravel() @ _forces(frames, pairs, 0)
    assert np.abs(expected).max() > 1e-8
    assert ((ahead - back) / 2).ravel() == pytest.approx(expected, rel=1e-4, abs=1e-11)
