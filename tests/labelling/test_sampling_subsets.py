"""Subsets and the summary of what was drawn."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from ase import Atoms
from sampling_toys import STRUCTURE
from scipy import stats

from flows.labelling.sampling.rattles import rattled
from flows.labelling.sampling.settings import RattleSettings
from flows.labelling.sampling.subsets import subset
from flows.labelling.sampling.summary import drawn_summary, rms_displacement_A
from flows.records import Drawn, Structure

SIZES = {100.0: 3, 200.0: 40, 300.0: 57}
DRAWN = {f"{t:g}-{i}": t for t, size in SIZES.items() for i in range(size)}


@pytest.mark.parametrize("how", ["random", "stratified"])
def test_subsets_are_nested_and_whole(how):
    every = subset(DRAWN, 100, how, seed=1)
    assert sorted(every) == sorted(DRAWN)
    for count in (0, 1, 2, 17, 99):
        assert subset(DRAWN, count, how, seed=1) == every[:count]


@pytest.mark.parametrize("how", ["random", "stratified"])
def test_the_order_of_what_is_given_is_nothing(how):
    assert subset(dict(reversed(DRAWN.items())), 50, how, 1) == subset(DRAWN, 50, how, 1)
    assert subset(DRAWN, 50, how, 2) != subset(DRAWN, 50, how, 1)


def test_structures_that_are_added_reorder_nothing():
    before = subset(DRAWN, 100, "random", 1)
    after = subset(DRAWN | {f"new-{i}": 400.0 for i in range(50)}, 150, "random", 1)
    assert tuple(key for key in after if key in DRAWN) == before
    assert set(after[:100]) - set(before)  # they take part
    for temperature in SIZES:
        more = DRAWN | {f"new-{i}": temperature for i in range(50)}
        before = [key for key in subset(DRAWN, 100, "stratified", 1) if DRAWN[key] == temperature]
        after = [key for key in subset(more, 150, "stratified", 1) if more[key] == temperature]
        assert [key for key in after if key in DRAWN] == before


@pytest.mark.parametrize(
    ("count", "shares"), [(9, (3, 3, 3)), (8, None), (23, (3, 10, 10)), (83, (3, 40, 40)), (90, (3, 40, 47))]
)
def test_strata_have_equal_shares_as_far_as_they_go(count, shares):
    found = Counter(DRAWN[key] for key in subset(DRAWN, count, "stratified", 1))
    if shares is None:
        assert max(found.values()) - min(found.values()) == 1
    else:
        assert tuple(found[t] for t in SIZES) == shares


def test_a_random_draw_favours_no_stratum():
    """One draw of 50 for each of 200 seeds: the share of 300 K is hypergeometric."""
    hits = [sum(DRAWN[key] == 300.0 for key in subset(DRAWN, 50, "random", seed)) for seed in range(200)]
    law = stats.hypergeom(100, 57, 50)
    assert abs(np.mean(hits) - law.mean()) < 4 * law.std() / np.sqrt(200)
    assert np.std(hits) == pytest.approx(law.std(), rel=0.2)


def test_more_than_there_is_is_refused():
    with pytest.raises(ValueError, match="cannot draw 101 of 100"):
        subset(DRAWN, 101, "random", 1)


def test_the_summary_says_how_far_and_whether_chosen():
    settings = RattleSettings(count=30, displacements_A=(0.01, 0.1))
    drawn = rattled(STRUCTURE, settings)
    chosen = subset({one.structure.key(): one.stratum for one in drawn}, 10, "stratified", 1)
    rows = drawn_summary(drawn, STRUCTURE, chosen)
    assert [row.structure_key for row in rows] == [one.structure.key() for one in drawn]
    assert {row.structure_key for row in rows if row.chosen} == set(chosen)
    for row in rows:
        assert row.method == "rattle"
        expected = row.stratum * np.sqrt(3 * (1 - 1 / 16))
        assert row.rms_displacement_A == pytest.approx(expected, rel=4 / np.sqrt(2 * 45))


SKEWED = Atoms(
    "C4", cell=[[6, 0, 0], [5.5, 3, 0], [1, 2, 5]], scaled_positions=np.arange(12).reshape(4, 3) / 12
)


@pytest.mark.parametrize("cell", [np.diag([4.0, 5.0, 6.0]), SKEWED.cell.array])
@pytest.mark.parametrize("drift", [(0.0, 0.0, 0.0), (2.0, 7.5, -2.9)])
def test_displacements_are_minimum_images_without_drift(cell, drift):
    """Displaced by hand, drifted, wrapped and put into other cells: what was displaced comes back."""
    atoms = Atoms("C4", cell=cell, scaled_positions=SKEWED.get_scaled_positions(), pbc=True)
    u = np.random.RandomState(3).standard_normal((4, 3)) * 0.15
    u -= u.mean(axis=0)
    moved = atoms.copy()
    moved.positions += u + np.array(drift)
    moved.wrap()
    moved.positions += np.array([[1, 0, 0], [0, -2, 0], [0, 0, 0], [3, 1, -1]]) @ cell
    found = rms_displacement_A(Structure.from_atoms(moved), Structure.from_atoms(atoms))
    assert found == pytest.approx(np.sqrt((u**2).sum(axis=1).mean()), abs=1e-9)


def test_other_atoms_have_no_displacement():
    other = Drawn(structure=STRUCTURE.model_copy(update={"symbols": ("Si",) * 16}), method="published")
    with pytest.raises(ValueError, match="Si16 and C16"):
        drawn_summary([other], STRUCTURE)
