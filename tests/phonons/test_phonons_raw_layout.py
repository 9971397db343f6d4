"""phonopy's own layout of files, as phonopy writes it, against the phonons that phonopy itself loads from it."""

from __future__ import annotations

import gzip
import re

import numpy as np
import phonopy
import pytest
from ase.build import bulk
from phonopy.file_IO import write_FORCE_CONSTANTS, write_force_constants_to_hdf5, write_FORCE_SETS
from phonopy.structure.atoms import PhonopyAtoms

from flows.phonons.published import read_published
from flows.phonons.raw_layout import RawLayout, another_kind

A = 5.69
BORN = "14.399652\n2.5 0 0 0 2.5 0 0 0 2.5\n1.1 0 0 0 1.1 0 0 0 1.1\n-1.1 0 0 0 -1.1 0 0 0 -1.1\n"
QPOINTS = [[0.5, 0.0, 0.5], [0.5, 0.5, 0.5], [0.1, 0.2, 0.3]]


def forces(cell, displaced):
    """Springs to neighbours, of another strength to those of the same element: pairs within 0.75 a."""
    from ase import Atoms

    ideal = Atoms(cell.symbols, positions=cell.positions, cell=cell.cell, pbc=True)
    moved = displaced.positions - cell.positions
    found = np.zeros((len(ideal), 3))
    from ase.neighborlist import neighbor_list

    for i, j, d, vector in zip(*neighbor_list("ijdD", ideal, 0.75 * A), strict=True):
        stiffness, unit = (2.0 if cell.symbols[i] != cell.symbols[j] else 0.4), vector / d
        found[i] += stiffness * unit * (unit @ (moved[j] - moved[i]))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """phonopy_disp.yaml, FORCE_SETS, FORCE_CONSTANTS, force_constants.hdf5 and BORN of a toy rock salt."""
    path = tmp_path_factory.mktemp("raw")
    atoms = bulk("NaCl", "rocksalt", a=A, cubic=True)
    cell = PhonopyAtoms(symbols=atoms.get_chemical_symbols(), cell=atoms.cell.array, scaled_positions=atoms.get_scaled_positions())
    made = phonopy.Phonopy(cell, np.diag([2, 2, 2]), primitive_matrix="F")
    made.generate_displacements(distance=0.01)
    made.save(path / "phonopy_disp.yaml", settings={"force_sets": False, "displacements": True, "force_constants": False})
    made.forces = [forces(made.supercell, one) for one in made.supercells_with_displacements]
    write_FORCE_SETS(made.dataset, filename=str(path / "FORCE_SETS"))
    made.produce_force_constants(show_drift=False)
    made.symmetrize_force_constants(show_drift=False)
    write_FORCE_CONSTANTS(made.force_constants, filename=str(path / "FORCE_CONSTANTS"))
    write_force_constants_to_hdf5(made.force_constants, filename=str(path / "force_constants.hdf5"))
    (path / "BORN").write_text(BORN)
    made.run_band_structure([[[0.0, 0, 0], [0.5, 0, 0.5]]])
    made.write_yaml_band_structure(filename=str(path / "band.yaml"))
    (path / "mesh.yaml").write_text("mesh: [ 2, 2, 2 ]\nnqpoint: 1\nphonon:\n- q-position: [ 0.0, 0.0, 0.0 ]\n")
    return path


def read(folder, **beside):
    contents = {kind: (folder / name).read_bytes() for kind, name in beside.items()}
    primitive = bulk("NaCl", "rocksalt", a=A)
    return read_published((folder / "phonopy_disp.yaml").read_bytes(), primitive, None, RawLayout.of(contents))


LAYOUTS = {
    "forces": {"force_sets": "FORCE_SETS"},
    "force constants": {"force_constants": "FORCE_CONSTANTS"},
    "HDF5": {"force_constants": "force_constants.hdf5"},
    "forces and charges": {"force_sets": "FORCE_SETS", "born": "BORN"},
    "constants and charges": {"force_constants": "FORCE_CONSTANTS", "born": "BORN"},
}


@pytest.mark.parametrize("beside", LAYOUTS.values(), ids=LAYOUTS)
def test_frequencies_are_those_that_phonopy_loads(folder, beside):
    names = {"force_sets": "force_sets_filename", "force_constants": "force_constants_filename", "born": "born_filename"}
    files = {names[kind]: str(folder / name) for kind, name in beside.items()}
    theirs = phonopy.load(folder / "phonopy_disp.yaml", **files, is_nac="born" in beside, symmetrize_fc=True, log_level=0)
    ours = read(folder, **beside)
    assert (ours.nac is not None) == ("born" in beside)
    expected = theirs.run_qpoints(QPOINTS).frequencies * 33.35640951981520
    assert ours.frequencies_cm1(QPOINTS) == pytest.approx(expected, abs=1e-3)
    assert expected.min() > 20  # nothing is compared with nothing
    if "born" in beside:
        along = theirs.run_qpoints([[0, 0, 0]], nac_q_direction=[1, 0, 1]).frequencies * 33.35640951981520
        assert ours.frequencies_cm1([[0, 0, 0]], [0.5, 0, 0.5]) == pytest.approx(along, abs=1e-3)
        assert along[0][-1] > along[0][-2] + 5


def test_packed_files_are_unpacked(folder, tmp_path):
    for name in ("phonopy_disp.yaml", "FORCE_SETS"):
        (tmp_path / name).write_bytes(gzip.compress((folder / name).read_bytes()))
    found = read(tmp_path, force_sets="FORCE_SETS").frequencies_cm1(QPOINTS)
    assert found == pytest.approx(read(folder, force_sets="FORCE_SETS").frequencies_cm1(QPOINTS))


def changed(folder, name, old, new):
    text = (folder / name).read_text()
    assert old in text
    return RawLayout.of({"force_sets" if "SETS" in name else name.lower(): text.replace(old, new, 1).encode()})


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("FORCE_SETS", "0.0100000000000000", "0.0300000000000000", "the 2 displacements of FORCE_SETS are not the 2 of the YAML file"),
        ("FORCE_SETS", "64 ", "32 ", "no FORCE_SETS of 64 atoms"),
        ("FORCE_CONSTANTS", "64   64", "8   8", "no FORCE_CONSTANTS of this crystal|is of 8 atoms"),
        ("FORCE_CONSTANTS", "0.0", "x.0", "no FORCE_CONSTANTS of this crystal"),
        ("BORN", "-1.1", "nan", "BORN, line 4: nan is no charge"),
        ("BORN", "\n-1.1 0 0 0 -1.1 0 0 0 -1.1", "", "no BORN file for the primitive cell"),
    ],
)
def test_files_that_are_not_of_the_crystal(folder, name, old, new, said):
    with pytest.raises(ValueError, match=said):
        read_published((folder / "phonopy_disp.yaml").read_bytes(), bulk("NaCl", "rocksalt", a=A), None, changed(folder, name, old, new))


KINDS = {
    "FORCE_SETS": "this is FORCE_SETS, without its crystal: name phonopy_disp.yaml as phonopy, and this as force_sets",
    "FORCE_CONSTANTS": "this is FORCE_CONSTANTS, without its crystal",
    "force_constants.hdf5": "it is an HDF5 file",
    "band.yaml": "these are frequencies, as band.yaml and mesh.yaml have them, and no force constants: phonopy-load --include-all",
    "mesh.yaml": "these are frequencies, as band.yaml and mesh.yaml have them, and no force constants",
    "phonopy_disp.yaml": "neither force constants nor forces in it: add force_sets: FORCE_SETS, or force_constants; or phonopy-load --include-all",
}


@pytest.mark.parametrize(("name", "said"), KINDS.items())
def test_a_file_that_alone_is_no_use_says_what_it_is(folder, name, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        read_published((folder / name).read_bytes(), bulk("NaCl", "rocksalt", a=A), None)


def test_what_is_none_of_them_is_left_to_phonopy():
    assert another_kind(b"phonopy:\n  version: 4\n") == another_kind(b"") == another_kind(b"1 2 3\n") == ""
    type_2 = b"0.0 0.0 0.1 0.0 0.0 -1.0\n" * 5
    assert another_kind(type_2).startswith("this is FORCE_SETS")
