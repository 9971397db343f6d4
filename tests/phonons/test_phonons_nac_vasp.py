"""Born charges and dielectric tensor of VASP's vasprun.xml, for the primitive cell."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from program_outputs import response

from flows.phonons.nac_vasp import is_vasprun, read_born_vasprun

EPSILON = np.array([[5.0, 0.1, 0.0], [0.1, 6.0, 0.2], [0.0, 0.2, 7.0]])


def test_it_is_told_from_a_born_file():
    assert is_vasprun(response(bulk("NaCl", "rocksalt", a=5.6), np.zeros((2, 3, 3)), EPSILON))
    assert not is_vasprun("14.4\n4.3 0 0 0 4.3 0 0 0 4.3\n")


def test_charges_are_of_their_atoms_in_any_order_and_at_any_origin():
    """In a cell without symmetry of rows and columns, so that a transposed one would be seen."""
    primitive = bulk("ZnO", "wurtzite", a=3.25, c=5.2)
    charges = np.random.default_rng(1).normal(size=(4, 3, 3))
    order = [2, 1, 3, 0]
    run = primitive[order]
    run.positions += [0.3, -0.2, 1.7]
    run.wrap()
    found, epsilon = read_born_vasprun(response(run, charges[order], EPSILON), primitive, "vasprun.xml")
    np.testing.assert_allclose(found, charges, atol=1e-7)
    np.testing.assert_allclose(epsilon, EPSILON)


def test_a_conventional_cell_will_do_and_its_atoms_are_averaged():
    primitive, run = bulk("LiH", "rocksalt", a=4.0), bulk("LiH", "rocksalt", a=4.0, cubic=True)
    charges = np.array([(1.0 if one == "Li" else -1.0) * np.eye(3) for one in run.symbols])
    charges[0, 0, 0] += 0.04
    found, _ = read_born_vasprun(response(run, charges, EPSILON), primitive, "vasprun.xml")
    np.testing.assert_allclose(found[0], np.diag([1.01, 1, 1]), atol=1e-8)
    np.testing.assert_allclose(found[1], -np.eye(3), atol=1e-8)


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (bulk("LiH", "rocksalt", a=4.1), "none of this crystal in this orientation"),
        (bulk("LiF", "rocksalt", a=4.0), "are not those of this crystal: Li F"),
        (bulk("LiH", "zincblende", a=4.0), "are not those of this crystal"),
    ],
)
def test_another_crystal_is_refused(run, says):
    with pytest.raises(ValueError, match=says):
        read_born_vasprun(response(run, np.zeros((2, 3, 3)), EPSILON), bulk("LiH", "rocksalt", a=4.0), "vasprun.xml")


def test_runs_without_charges_and_torn_files_are_refused():
    atoms = bulk("LiH", "rocksalt", a=4.0)
    text = response(atoms, np.zeros((2, 3, 3)), EPSILON, born=False)
    with pytest.raises(ValueError, match="takes a run with LEPSILON"):
        read_born_vasprun(text, atoms, "vasprun.xml")
    with pytest.raises(ValueError, match=r"vasprun.xml cannot be read"):
        read_born_vasprun(text[:-200], atoms, "vasprun.xml")
