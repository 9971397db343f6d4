"""Which structures are chosen: as many as are asked for, nested, and better than what chance gives."""

from __future__ import annotations

import numpy as np
import pytest
from lattice_toys import toy

from flows.records import Structure
from flows.training.force_constants import design


@pytest.fixture(scope="module")
def pool():
    one = toy("diamond", 60, amplitude_A=0.05)
    small = toy("diamond", 60, seed=1, amplitude_A=0.01)
    return one, [Structure.from_atoms(atoms) for pair in zip(one.frames, small.frames, strict=True) for atoms in pair]


@pytest.mark.parametrize("how", ["informative", "farthest"])
def test_each_once_and_the_same_in_another_order_of_atoms(pool, how: design.How) -> None:
    one, structures = pool
    crystal = Structure.from_atoms(one.primitive)
    chosen = design.order(crystal, structures, how)
    assert sorted(chosen) == list(range(len(structures)))
    rng = np.random.default_rng(0)
    moved = []
    for structure in structures:
        atoms = structure.atoms()[rng.permutation(len(structure.symbols))]
        atoms.positions += rng.uniform(-3, 3, 3)
        atoms.wrap()
        moved.append(Structure.from_atoms(atoms))
    assert design.order(crystal, moved, how)[:20] == chosen[:20]


def test_informative_is_the_largest_determinant_that_one_exchange_can_give(pool) -> None:
    """Against all exchanges of one structure in a small pool, and against chance."""
    one, structures = pool
    rows, near = design.features(Structure.from_atoms(one.primitive), structures)
    assert near == list(range(len(structures)))
    count = 2 * rows.shape[1]

    def information(chosen) -> float:
        return float(np.linalg.slogdet(rows[chosen].T @ rows[chosen])[1])

    best = design.informative(rows)[:count]
    rng = np.random.default_rng(4)
    by_chance = [information(rng.choice(len(rows), count, replace=False)) for _ in range(200)]
    assert information(best) > max(by_chance)
    # greedy is near what exchanges can still gain: less than a tenth of what it has gained over chance
    exchanged = max(
        information([*(one for one in best if one != out), into]) for out in best for into in range(len(rows)) if into not in best
    )
    assert exchanged - information(best) < 0.1 * (information(best) - float(np.mean(by_chance)))


def test_chosen_labels_leave_less_open(pool) -> None:
    """The error of the fit's force constants, over noise drawn again and again, is smaller than with as many by chance."""
    one, structures = pool
    rows, _ = design.features(Structure.from_atoms(one.primitive), structures)
    count = rows.shape[1] + 6

    def error(chosen) -> float:
        return float(np.sqrt(np.trace(np.linalg.pinv(rows[chosen].T @ rows[chosen]))))

    rng = np.random.default_rng(2)
    by_chance = np.median([error(rng.choice(len(rows), count, replace=False)) for _ in range(50)])
    assert error(design.informative(rows)[:count]) < 0.5 * by_chance


def test_farthest_points_cover() -> None:
    rows = np.random.default_rng(0).uniform(size=(300, 2))
    chosen = design.farthest(rows)[:20]

    def hole(some) -> float:
        return float(np.linalg.norm(rows[:, None] - rows[some][None], axis=2).min(axis=1).max())

    rng = np.random.default_rng(1)
    assert hole(chosen) < min(hole(rng.choice(300, 20, replace=False)) for _ in range(50))


def test_what_left_its_sites_comes_last(pool) -> None:
    one, structures = pool
    atoms = structures[5].atoms()
    atoms.positions[0] += (1.0, 0, 0)
    broken = [*structures[:5], Structure.from_atoms(atoms), *structures[6:30]]
    for how in ("informative", "farthest"):
        assert design.order(Structure.from_atoms(one.primitive), broken, how)[-1] == 5  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["informative", "farthest"])
def test_structures_of_another_cell_come_last(pool, how: design.How) -> None:
    """Of two supercells of the crystal, the first structure's decides."""
    one, structures = pool
    larger = [Structure.from_atoms(structure.atoms().repeat((1, 1, 2))) for structure in structures[:3]]
    chosen = design.order(Structure.from_atoms(one.primitive), [structures[0], *larger, *structures[1:20]], how)
    assert chosen[-3:] == (1, 2, 3)
