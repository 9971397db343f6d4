"""Cells, paths and q-points: the right places, whatever the orientation and the choice of vectors."""

import itertools

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell

from flows.phonons.cells import primitive, supercell_matrix
from flows.phonons.path import GAMMA, band_path
from flows.phonons.qpoints import commensurate, coverage, star

A = 3.56074511
DIAMOND = bulk("C", "diamond", a=A, cubic=True)
ROCKSALT = bulk("LiH", "rocksalt", a=4.01723878, cubic=True)
SKEW = np.array([[1, 0, 0], [1, 1, 0], [-1, 2, 1]])  # determinant 1: other vectors of the same lattice


def turned(atoms: Atoms) -> Atoms:
    atoms = atoms.copy()
    atoms.rotate(37, (1, 2, 3), rotate_cell=True)
    return atoms


CUBES = {"diamond": DIAMOND, "rocksalt": ROCKSALT, "turned diamond": turned(DIAMOND)}
FCC_CELLS = {
    "as made": (primitive(DIAMOND), np.eye(3)),
    "turned": (primitive(turned(DIAMOND)), turned(DIAMOND).cell.array / A),
    "skew": (make_supercell(primitive(DIAMOND), SKEW), np.eye(3)),
    "ase": (bulk("LiH", "rocksalt", a=4.0), np.eye(3)),
}


@pytest.mark.parametrize("conventional", CUBES.values(), ids=CUBES)
def test_a_primitive_cell_fills_the_conventional_cell(conventional):
    cell = primitive(conventional)
    assert len(cell) == 2
    whole = make_supercell(cell, supercell_matrix(cell, conventional.cell.array))
    shift = conventional.positions[0] - whole.positions[list(whole.numbers).index(conventional.numbers[0])]
    for atom in conventional:
        away = (whole.positions[whole.numbers == atom.number] + shift - atom.position) @ np.linalg.inv(
            conventional.cell.array
        )
        assert np.abs(away - np.rint(away)).max(axis=1).min() < 1e-12


def test_the_lattice_constant_is_that_of_the_labels():
    assert primitive(DIAMOND).cell.lengths() == pytest.approx(A / np.sqrt(2), rel=1e-15)


def test_sites_that_symmetry_fixes_are_put_there():
    rounded = ROCKSALT.copy()
    rounded.rattle(1e-4, seed=3)
    cell = primitive(rounded)
    assert cell.cell.array == pytest.approx(primitive(ROCKSALT).cell.array, abs=1e-15)
    assert cell.get_scaled_positions()[1] - cell.get_scaled_positions()[0] == pytest.approx(
        [0.5] * 3, abs=1e-15
    )


def test_a_free_coordinate_is_kept():
    wurtzite = bulk("ZnO", "wurtzite", a=3.25, c=5.2, u=0.38)
    z = primitive(wurtzite).get_scaled_positions()[:, 2]
    assert (z[1] - z[0]) % 0.5 == pytest.approx((0.5 - 0.38) % 0.5, abs=1e-6)


def test_a_supercell_of_other_vectors_is_refused():
    with pytest.raises(ValueError, match="not made of whole primitive cells"):
        supercell_matrix(primitive(DIAMOND), turned(DIAMOND).cell.array)


def cartesian(cell: Atoms, axes: np.ndarray, q) -> np.ndarray:
    """In units of 2π/a along the cubic axes."""
    a = (4 * cell.get_volume()) ** (1 / 3)
    return axes @ (np.linalg.inv(cell.cell.array) @ np.asarray(q)) * a


def is_of_star(q: np.ndarray, example: tuple[float, float, float]) -> bool:
    """Cubic group, modulo the body-centred reciprocal lattice (all odd or all even)."""
    images = [
        np.array(p) * s for p in itertools.permutations(example) for s in itertools.product((1, -1), repeat=3)
    ]
    for image in images:
        g = q - image
        whole = np.rint(g).astype(int)
        if np.abs(g - whole).max() < 1e-9 and len(set(whole % 2)) == 1:
            return True
    return False


KNOWN = {
    GAMMA: (0, 0, 0),
    "X": (1, 0, 0),
    "L": (0.5, 0.5, 0.5),
    "K": (0.75, 0.75, 0),
    "U": (1, 0.25, 0.25),
    "W": (1, 0.5, 0),
}


@pytest.mark.parametrize(("cell", "axes"), FCC_CELLS.values(), ids=FCC_CELLS)
def test_the_points_of_fcc_are_the_true_ones(cell, axes):
    path = band_path(cell)
    assert path.points.keys() == KNOWN.keys()
    for label, q in path.points.items():
        assert is_of_star(cartesian(cell, axes, q), KNOWN[label]), label
    for segment in path.segments:
        for label, q in zip(segment.labels, (segment.start, segment.end), strict=True):
            assert is_of_star(cartesian(cell, axes, q), KNOWN[label]), (segment, label)


@pytest.mark.parametrize(("cell", "axes"), FCC_CELLS.values(), ids=FCC_CELLS)
def test_the_path_of_fcc_goes_straight_from_x_through_k_to_gamma(cell, axes):
    path = band_path(cell)
    assert [s.labels for s in path.segments] == [(GAMMA, "X"), ("X", "K"), ("K", GAMMA), (GAMMA, "L")]
    ends = [(cartesian(cell, axes, s.start), cartesian(cell, axes, s.end)) for s in path.segments]
    lengths = [np.linalg.norm(end - start) for start, end in ends]
    assert lengths == pytest.approx([1, np.sqrt(2) / 4, 0.75 * np.sqrt(2), np.sqrt(0.75)], abs=1e-9)
    assert np.cross(ends[1][0], ends[1][1]) == pytest.approx(np.zeros(3), abs=1e-9)


def test_other_lattices_get_the_path_of_seekpath():
    path = band_path(bulk("Mg", "hcp", a=3.2, c=5.2))
    assert [s.labels for s in path.segments][:3] == [(GAMMA, "M"), ("M", "K"), ("K", GAMMA)]
    assert path.points["K"] == pytest.approx((1 / 3, 1 / 3, 0), abs=1e-12)


def test_a_conventional_cell_is_refused():
    with pytest.raises(ValueError, match="primitive"):
        band_path(DIAMOND)


@pytest.mark.parametrize(("label", "arms"), [(GAMMA, 1), ("X", 3), ("L", 4), ("W", 6), ("K", 12), ("U", 12)])
def test_stars_have_the_arms_of_the_cubic_group(label, arms):
    cell, _ = FCC_CELLS["skew"]
    assert len(star(cell, band_path(cell).points[label])) == arms


@pytest.mark.parametrize(
    ("repeat", "lacking"),
    [((1, 1, 1), "L K U W"), ((2, 2, 1), "L K U"), ((1, 2, 2), "L K U"), ((2, 2, 2), "K U"), ((4, 4, 4), "")],
)
@pytest.mark.parametrize("conventional", CUBES.values(), ids=CUBES)
def test_what_a_training_cell_cannot_show(conventional, repeat, lacking):
    cell = primitive(conventional)
    matrix = supercell_matrix(cell, np.diag(repeat) @ conventional.cell.array)
    points = band_path(cell).points
    lacks = {label for label, q in points.items() if not coverage(cell, matrix, q).represented}
    assert lacks == set(lacking.split())


@pytest.mark.parametrize(
    "matrix", [np.diag([2, 3, 4]), SKEW @ np.diag([2, 1, 3]), [[-2, 2, 2], [2, -2, 2], [1, 1, -1]]]
)
def test_commensurate_points_are_all_that_a_supercell_holds(matrix):
    matrix = np.array(matrix)
    found = commensurate(matrix)
    assert len(found) == round(abs(np.linalg.det(matrix)))
    assert found @ matrix.T == pytest.approx(np.rint(found @ matrix.T), abs=1e-9)
    apart = found[:, None] - found[None, :]
    same = np.abs(apart - np.rint(apart)).max(axis=2) < 1e-6
    assert same.sum() == len(found)
