"""Structures are the same by geometry: however numbered, wrapped, shuffled, or slightly rounded."""

from __future__ import annotations

import numpy as np
import pytest

from flows.labelling.matching import AmbiguousMatch, StructureIndex
from flows.labelling.published.frame import Frame
from flows.labelling.settings import MatchingSettings

CELL = np.array([[7.5, 0.0, 0.0], [0.5, 7.6, 0.0], [0.0, -0.7, 4.1]])
IDEAL = np.array([[x, y, z] for x in (0, 0.25, 0.5, 0.75) for y in (0, 0.5) for z in (0, 0.5)]) @ CELL
SYMBOLS = ("Li", "H") * 8


def frame(positions, index=0, symbols=SYMBOLS, cell=CELL):
    return Frame("f.xyz", index, "dft", tuple(symbols), cell, positions, 0.0, None)


def rattled(random, count=30, size=0.05):
    return [frame(IDEAL + size * random.normal(size=IDEAL.shape), index) for index in range(count)]


def numbers(index, frames):
    return [match.number if (match := index.find(one)) else None for one in frames]


@pytest.mark.parametrize("seed", range(5))
def test_matching_survives_what_does_not_change_a_structure(seed):
    random = np.random.default_rng(seed)
    known = rattled(random)
    index = StructureIndex(known, MatchingSettings())
    order = random.permutation(len(known))
    wrapped = [
        frame(
            known[i].positions
            + random.integers(-2, 3, size=IDEAL.shape) @ CELL
            + random.uniform(-1e-6, 1e-6, size=IDEAL.shape)
        )
        for i in order
    ]
    assert numbers(index, wrapped) == list(order)


def test_atoms_in_another_order_are_put_back():
    random = np.random.default_rng(1)
    known = rattled(random)
    index = StructureIndex(known, MatchingSettings())
    shuffle = random.permutation(len(SYMBOLS))
    other = frame(known[7].positions[shuffle] + CELL[2], symbols=[SYMBOLS[i] for i in shuffle])
    match = index.find(other)
    assert match.number == 7
    assert match.distance < 1e-9
    np.testing.assert_allclose(other.positions[match.order] - CELL[2], known[7].positions)


def test_exchanged_elements_are_another_structure():
    known = rattled(np.random.default_rng(2))
    index = StructureIndex(known, MatchingSettings())
    exchanged = frame(known[3].positions, symbols=("H", "Li") * 8)
    assert index.find(exchanged) is None


@pytest.mark.parametrize(("moved", "found"), [(0.9e-3, True), (1.1e-3, False)])
def test_the_tolerance_is_the_largest_displacement_of_an_atom(moved, found):
    known = rattled(np.random.default_rng(3))
    index = StructureIndex(known, MatchingSettings())
    for atom in range(len(SYMBOLS)):
        positions = known[5].positions.copy()
        positions[atom, atom % 3] += moved
        assert (index.find(frame(positions)) is not None) == found


def test_no_candidate_is_missed_when_all_atoms_move_by_the_tolerance():
    random = np.random.default_rng(4)
    known = rattled(random)
    index = StructureIndex(known, MatchingSettings(position_tolerance_A=0.02))
    for direction in random.normal(size=(50, 3)):
        shift = 0.0199 * direction / np.linalg.norm(direction)
        assert index.find(frame(known[11].positions + shift)).number == 11


def test_another_cell_is_another_structure():
    known = rattled(np.random.default_rng(5))
    index = StructureIndex(known, MatchingSettings())
    assert index.find(frame(known[0].positions, cell=CELL * 1.001)) is None
    assert index.find(frame(known[0].positions * 1.0001, cell=CELL * 1.0001)).number == 0


def test_the_clearly_nearer_of_two_is_taken_and_two_alike_are_ambiguous():
    one = IDEAL + 0.01
    two = one.copy()
    two[3, 0] += 6e-4
    index = StructureIndex([frame(one), frame(two, 1)], MatchingSettings())
    assert index.find(frame(one)).number == 0
    assert index.find(frame(two)).number == 1
    nearer, between = one.copy(), one.copy()
    nearer[3, 0] += 1e-4
    between[3, 0] += 3e-4
    assert index.find(frame(nearer)).number == 0
    with pytest.raises(AmbiguousMatch):
        index.find(frame(between))


def test_repeated_frames_point_at_the_first():
    known = rattled(np.random.default_rng(6), 5)
    again = frame(known[1].positions - CELL[0] + 1e-5, 5)
    index = StructureIndex([*known, again, again], MatchingSettings())
    assert index.repeated() == {5: 1, 6: 1}
