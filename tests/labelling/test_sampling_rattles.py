"""Rattles: how far, how independent, and the same for ever."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from pydantic import ValidationError
from sampling_toys import STRUCTURE
from scipy import stats

from flows.labelling.sampling.rattles import rattled
from flows.labelling.sampling.settings import RattleSettings
from flows.records import Structure

LIH = bulk("LiH", "rocksalt", a=4.0, cubic=True)


def asked(count: int, *displacements: float, seed: int = 1) -> RattleSettings:
    return RattleSettings(count=count, displacements_A=displacements, seed=seed)


def moves(structure: Structure, reference: Structure = STRUCTURE) -> np.ndarray:
    return np.array(structure.positions) - np.array(reference.positions)


@pytest.mark.parametrize("sigma", [0.01, 0.1])
def test_displacements_are_normal_of_the_size_asked_for(sigma):
    """Of equal atoms Σ u² / σ² is a χ² of 3 (N - 1) for each structure: centre at rest, all else independent."""
    structures = [one.structure for one in rattled(STRUCTURE, asked(300, sigma))]
    sums = np.array([(moves(one) ** 2).sum() for one in structures]) / sigma**2
    freedoms = 3 * (len(STRUCTURE.symbols) - 1)
    low, high = stats.chi2.ppf([1e-4, 1 - 1e-4], freedoms * len(sums))
    assert low < sums.sum() < high
    assert stats.kstest(sums, stats.chi2(freedoms).cdf).pvalue > 1e-3
    components = np.concatenate([moves(one).ravel() for one in structures])
    spread = sigma * np.sqrt(1 - 1 / len(STRUCTURE.symbols))
    assert stats.kstest(components, stats.norm(scale=spread).cdf).pvalue > 1e-3


def test_amplitudes_take_turns():
    drawn = rattled(STRUCTURE, asked(8, 0.01, 0.05, 0.2))
    assert [one.stratum for one in drawn] == [0.01, 0.05, 0.2, 0.01, 0.05, 0.2, 0.01, 0.05]
    assert {one.method for one in drawn} == {"rattle"}
    for one in drawn:
        assert moves(one.structure).std() == pytest.approx(one.stratum, rel=0.4)


def test_the_numbers_are_those_of_numpys_frozen_stream():
    """Seeded by seed, σ in 1e-6 Å and turn; put together here by hand."""
    structure = rattled(STRUCTURE, asked(5, 0.01, 0.05, seed=7))[3].structure
    u = np.random.RandomState([7, 50_000, 1]).standard_normal((16, 3)) * 0.05
    assert np.abs(moves(structure) - (u - u.mean(axis=0))).max() < 1e-6
    # as printed in every tutorial since 2009
    assert np.random.RandomState(42).standard_normal() == pytest.approx(0.4967141530112327, abs=1e-15)


def test_more_structures_leave_those_that_were_there():
    many = rattled(STRUCTURE, asked(9, 0.01, 0.05))
    for count in range(2, 9):
        assert rattled(STRUCTURE, asked(count, 0.01, 0.05)) == many[:count]


def test_amplitudes_are_drawn_apart():
    both = rattled(STRUCTURE, asked(8, 0.01, 0.05))
    alone = rattled(STRUCTURE, asked(4, 0.05))
    assert [one for one in both if one.stratum == 0.05] == list(alone)
    assert abs(np.corrcoef(moves(both[0].structure).ravel(), moves(both[1].structure).ravel())[0, 1]) < 0.5


def test_seeds_and_structures_differ():
    keys = {one.structure.key() for seed in (1, 2) for one in rattled(STRUCTURE, asked(20, 0.01, seed=seed))}
    assert len(keys) == 40


def test_the_centre_of_mass_stays():
    reference = Structure.from_atoms(LIH)
    for one in rattled(reference, asked(10, 0.1)):
        shift = one.structure.atoms().get_center_of_mass() - LIH.get_center_of_mass()
        assert np.abs(shift).max() < 1e-6


def test_atoms_are_not_wrapped():
    """Around corners at the origin, half of the displaced coordinates are negative; and an atom far out stays there."""
    positions = LIH.get_positions()
    positions[3] += 3 * LIH.cell[0]
    far = Structure.from_atoms(LIH).model_copy(update={"positions": tuple(map(tuple, positions.tolist()))})
    for one in rattled(far, asked(10, 0.1)):
        assert np.abs(moves(one.structure, far)).max() < 1.0


@pytest.mark.parametrize("noise", [1e-13, -1e-13, 1e-9])
def test_rounding_noise_changes_no_key(noise):
    """Before the draw, as of another machine; and after it, as of a file with too few digits."""
    noisy = STRUCTURE.model_copy(
        update={"positions": tuple(map(tuple, (np.array(STRUCTURE.positions) + noise).tolist()))}
    )
    drawn = rattled(STRUCTURE, asked(40, 0.03))
    if abs(noise) < 1e-10:
        assert [one.structure for one in rattled(noisy, asked(40, 0.03))] == [one.structure for one in drawn]
    for one in drawn:
        moved = tuple(map(tuple, (np.array(one.structure.positions) + noise).tolist()))
        assert one.structure.model_copy(update={"positions": moved}).key() == one.structure.key()


def test_rattles_that_make_no_sense_are_refused():
    with pytest.raises(ValidationError, match="must differ"):
        asked(4, 0.01, 0.01)
    with pytest.raises(ValidationError, match="must differ"):
        asked(4, 1e-8)
    with pytest.raises(ValidationError, match=r"count \(1\) leaves some of the 2"):
        asked(1, 0.01, 0.02)
    lonely = Structure(symbols=("C",), cell=STRUCTURE.cell, positions=((0.0, 0.0, 0.0),))
    with pytest.raises(ValueError, match="one atom cannot be rattled"):
        rattled(lonely, asked(1, 0.01))
