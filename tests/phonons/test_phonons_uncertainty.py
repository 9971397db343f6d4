"""Errors of frequencies against phonons that are computed again with other parameters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lattice_toys import base_calculator, toy

from flows.phonons.harmonic import HarmonicCrystal, calculator_forces, harmonic_crystal
from flows.phonons.path import band_path
from flows.phonons.settings import NacSettings
from flows.phonons.spectra import limits, points_cm1
from flows.phonons.uncertainty import errors_cm1
from flows.training.force_constants.basis import Interactions, symmetric_cell, symmetry_basis
from flows.training.force_constants.model import ForceConstants, PairFit
from flows.training.potentials import with_force_constants

SUPERCELL = 3 * np.eye(3, dtype=int)
NAC = NacSettings(
    born_charges=(tuple(map(tuple, 1.07 * np.eye(3))), tuple(map(tuple, -1.07 * np.eye(3)))),
    dielectric=tuple(map(tuple, 5.3 * np.eye(3))),
)


def model(name: str, seed: int = 2) -> ForceConstants:
    """Stable, of nearest neighbours alone, with a covariance that a fit might have."""
    one = toy(name, 1)
    nearest = 1.05 * one.sites.nearest_A
    pairs = symmetry_basis(symmetric_cell(one.primitive, one.sites), {2: nearest}).orders[0]
    rng = np.random.default_rng(seed)
    mean = np.concatenate([[0.1], 20.0 * np.ones(pairs.count)])
    square = 0.01 * rng.normal(size=(len(mean), len(mean)))
    return made(one.primitive, pairs, mean, square @ square.T)


def made(primitive, pairs: Interactions, mean: np.ndarray, covariance: np.ndarray) -> ForceConstants:
    fit = PairFit(pairs, mean, covariance)
    return ForceConstants(primitive, 0.0, float(mean[0]), (pairs.weighted(mean[1:]),), (fit,))


def crystal(one: ForceConstants, nac: NacSettings | None = None) -> HarmonicCrystal:
    forces = calculator_forces(with_force_constants(base_calculator(), [one]))
    return harmonic_crystal(one.primitive, SUPERCELL, forces, 1e-3, nac)


def frequencies(one: ForceConstants, nac: NacSettings | None = None) -> np.ndarray:
    path = band_path(one.primitive)
    return np.concatenate([*map(np.array, points_cm1(crystal(one, nac), path).values())])


@pytest.mark.parametrize(("name", "nac"), [("diamond", None), ("hexagonal", None), ("rocksalt", None), ("rocksalt", NAC)])
def test_errors_follow_from_the_covariance(name: str, nac: NacSettings | None) -> None:
    one = model(name)
    (fit,) = one.fits
    found = crystal(one, nac)
    path = band_path(one.primitive)
    said = np.concatenate([*map(np.array, errors_cm1(found, [one], limits(found, path)).values())])
    rows = []
    for number in range(len(fit.mean)):
        step = np.zeros(len(fit.mean))
        step[number] = 1e-3
        ends = [frequencies(made(one.primitive, fit.pairs, fit.mean + sign * step, fit.covariance), nac) for sign in (-1, 1)]
        rows.append((ends[1] - ends[0]) / 2e-3)
    expected = np.sqrt(np.einsum("pm,pq,qm->m", rows, fit.covariance, rows))
    moving = np.abs(frequencies(one, nac)) > 5.0
    assert moving.sum() > 20
    assert said.max() > 0.5
    assert np.abs(said - expected)[moving].max() < 2e-3 * expected.max() + 1e-3


def test_fits_that_the_labels_cannot_tell_apart_add_their_spread() -> None:
    one = model("diamond")
    (fit,) = one.fits
    other = PairFit(fit.pairs, fit.mean * np.array([1.0, *(1.02,) * (len(fit.mean) - 1)]), fit.covariance)
    both = replace(one, fits=(fit, other))
    found, path = crystal(one), band_path(one.primitive)
    optical = int(np.abs(points_cm1(found, path)["Γ"]).argmax())  # the last, or the first if it is unstable
    alone, together = (errors_cm1(found, [some], limits(found, path))["Γ"][optical] for some in (one, both))
    far = made(one.primitive, fit.pairs, other.mean, fit.covariance)
    apart = points_cm1(crystal(far), path)["Γ"][optical] - points_cm1(found, path)["Γ"][optical]
    assert together == pytest.approx(np.sqrt(alone**2 + 0.5 * apart**2), rel=0.05)
    assert abs(apart) > 1.0


def test_translations_have_no_error() -> None:
    one = model("diamond")
    found, path = crystal(one), band_path(one.primitive)
    at_rest = np.abs(points_cm1(found, path)["Γ"]) < 0.5
    assert at_rest.sum() == 3
    assert np.array(errors_cm1(found, [one], limits(found, path))["Γ"])[at_rest].tolist() == [0.0, 0.0, 0.0]
