"""The keys nac and reference of a system: what they become, what they are answered with, and which keys they change."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from program_outputs import response

from campaign.spec import LoadedSpec, ResolvedSpec, SpecError, load_spec
from flows.phonons.harmonic import harmonic_crystal

GOOD = """\
campaign: small
systems:
  lih:
    structure: {prototype: rocksalt, symbols: [Li, H], a: 4.0}
    cells: {training: [2, 2, 2]}
    levels:
      dft: {data: dft.xyz, forces: true}
    %s
models: [dft_ef]
"""
BORN = "14.4\n4.3 0 0 0 4.3 0 0 0 4.3\n1.05 0 0 0 1.05 0 0 0 1.05\n-1.05 0 0 0 -1.05 0 0 0 -1.05\n"
CSV = "point,from,to,fraction,frequency_cm1\nX,,,,300\n"


def phonopy_file(a: float = 4.0, second: str = "H") -> bytes:
    """Force constants of nothing: enough to be read."""
    atoms = bulk(f"Li{second}", "rocksalt", a=a)
    crystal = harmonic_crystal(atoms, np.eye(3, dtype=int), lambda moved: np.zeros((len(moved), 3)))
    return crystal.yaml()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dft.xyz").write_text("labels of DFT")
    (tmp_path / "BORN").write_text(BORN)
    (tmp_path / "BORN-nan").write_text(BORN.replace("0 0 0 1.05 0", "0 0 0 nan 0"))
    (tmp_path / "BORN-inf").write_text(BORN.replace("0 4.3\n", "0 -Inf\n"))
    (tmp_path / "BORN-sum").write_text(BORN.replace("-1.05", "-0.98"))
    (tmp_path / "BORN-utf16").write_text(BORN, encoding="utf-16")
    (tmp_path / "neutrons.csv").write_text(CSV)
    (tmp_path / "dft.yaml").write_bytes(phonopy_file())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(part: str) -> LoadedSpec:
    Path("c.yaml").write_text(GOOD % part)
    return load_spec("c.yaml")


def complaint(part: str) -> str:
    with pytest.raises(SpecError) as caught:
        load(part)
    return str(caught.value)


def test_a_vasprun_says_the_same_as_the_numbers(folder):
    atoms = bulk("LiH", "rocksalt", a=4.0, cubic=True)
    charges = np.array([(1.05 if one == "Li" else -1.05) * np.eye(3) for one in atoms.symbols])
    (folder / "vasprun.xml").write_text(response(atoms, charges, 4.3 * np.eye(3)))
    by_numbers = load("nac: {born_charges: {Li: 1.05, H: -1.05}, dielectric: 4.3}").resolved.systems["lih"].nac
    assert load("nac: {file: vasprun.xml}").resolved.systems["lih"].nac == by_numbers


def test_an_output_of_ph_says_the_same_as_its_numbers(folder, monkeypatch):
    """AlAs, by 6.7 (tests/phonons/outputs); what it misses of the sum rule is mended and said."""
    (folder / "ph.out").write_bytes((Path(__file__).parents[1] / "phonons" / "outputs" / "ph_alas.out").read_bytes())
    assert "c.yaml:8: systems.lih.nac: the cell of ph.out is none of this crystal" in complaint("nac: {file: ph.out}")
    monkeypatch.setattr(f"{__name__}.GOOD", GOOD.replace("rocksalt, symbols: [Li, H], a: 4.0", "zincblende, symbols: [Al, As], a: 5.6093"))
    loaded = load("nac: {file: ph.out}")
    numbers = "nac: {born_charges: {Al: 2.14355, As: -2.19366}, dielectric: 9.46517051}"
    assert loaded.resolved.systems["lih"].nac == load(numbers).resolved.systems["lih"].nac
    assert "the Born charges sum to 0.0501 e instead of zero" in loaded.notes[0]


WRITTEN = {
    "by element": "nac: {born_charges: {Li: 1.05, H: -1.05}, dielectric: 4.3}",
    "by atom": "nac: {born_charges: [[1.05, 1.05, 1.05], -1.05], dielectric: [4.3, 4.3, 4.3]}",
    "as tensors": "nac: {born_charges: {H: [[-1.05, 0, 0], [0, -1.05, 0], [0, 0, -1.05]], Li: 1.05}, dielectric: [[4.3, 0, 0], [0, 4.3, 0], [0, 0, 4.3]]}",
    "as a BORN file": "nac: {file: BORN}",
    "that misses the sum rule by a little": "nac: {born_charges: {Li: 1.06, H: -1.04}, dielectric: 4.3}",
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("part", WRITTEN.values(), ids=WRITTEN)
def test_all_that_means_the_same_becomes_the_same_numbers(part: str) -> None:
    loaded = load(part)
    nac = loaded.resolved.systems["lih"].nac
    assert nac is not None
    one = np.eye(3)
    assert np.array_equal(nac.born_charges, [1.05 * one, -1.05 * one])
    assert np.array_equal(nac.dielectric, 4.3 * one)
    assert nac.method == "gonze"
    assert len(loaded.files) == 1  # numbers, so that any node can plan
    assert ResolvedSpec.model_validate(json.loads(json.dumps(loaded.resolved.model_dump(mode="json")))) == loaded.resolved


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("part", "note"),
    [
        ("nac: {file: BORN}", ()),
        ("nac: {file: BORN-sum}", ("c.yaml:8: systems.lih.nac: the Born charges sum to 0.07 e instead of zero: spread evenly over 2 atoms",)),
        ("nac: {born_charges: {Li: 1.05, H: -1.5}, dielectric: 4.3, sum_rule_e: 0.5}", ("c.yaml:8: systems.lih.nac: the Born charges sum to 0.45 e instead of zero: spread evenly over 2 atoms",)),
    ],
)
def test_what_is_mended_is_said(part: str, note: tuple[str, ...]) -> None:
    loaded = load(part)
    assert loaded.notes == note
    nac = loaded.resolved.systems["lih"].nac
    assert nac is not None
    assert np.abs(np.sum(nac.born_charges, axis=0)).max() < 1e-9


WRONG_NAC = {
    "a sum that is not zero": (
        "nac: {born_charges: {Li: 1.05, H: -1.5}, dielectric: 4.3}",
        "c.yaml:8: systems.lih.nac: born_charges: they should sum to zero over the atoms of the primitive cell, and the "
        "sum is [[-0.45, 0.0, 0.0], [0.0, -0.45, 0.0], [0.0, 0.0, -0.45]] (at most 0.128 is mended; sum_rule_e sets another bound)",
    ),
    "a sum beyond a bound of one's own": (
        "nac: {born_charges: {Li: 1.06, H: -1.04}, dielectric: 4.3, sum_rule_e: 0.01}",
        "the sum is [[0.02, 0.0, 0.0], [0.0, 0.02, 0.0], [0.0, 0.0, 0.02]] (at most 0.01 is mended; sum_rule_e sets another bound)",
    ),
    "nan for a charge": (
        "nac: {born_charges: {Li: .nan, H: -1.05}, dielectric: 4.3}",
        "systems.lih.nac.born_charges.Li: should be a finite number, got nan",
    ),
    "nan in a BORN file": ("nac: {file: BORN-nan}", "c.yaml:8: systems.lih.nac: BORN-nan, line 3: nan is no charge and no dielectric constant"),
    "inf in a BORN file": ("nac: {file: BORN-inf}", "c.yaml:8: systems.lih.nac: BORN-inf, line 2: -Inf is no charge and no dielectric constant"),
    "no text": ("nac: {file: BORN-utf16}", "c.yaml:8: systems.lih.nac: BORN-utf16 is not UTF-8 text (byte 0)"),
    "an element of another crystal": (
        "nac: {born_charges: {Na: 1.05, H: -1.05}, dielectric: 4.3}",
        "c.yaml:8: systems.lih.nac: born_charges: no Na in the crystal; known: Li, H",
    ),
    "an element without a charge": (
        "nac: {born_charges: {Li: 1.05}, dielectric: 4.3}",
        "c.yaml:8: systems.lih.nac: born_charges: none of H; add it",
    ),
    "no dielectric constant": (
        "nac: {born_charges: {Li: 1.05, H: -1.05}}",
        "c.yaml:8: systems.lih.nac: give born_charges and dielectric, or file",
    ),
    "both": (
        "nac: {file: BORN, dielectric: 4.3}",
        "c.yaml:8: systems.lih.nac.dielectric: does not go with file; remove one of them",
    ),
    "no file": ("nac: {file: BRON}", "c.yaml:8: systems.lih.nac.file: no file BRON (looked in .)"),
    "a file of something else": (
        "nac: {file: dft.xyz}",
        "c.yaml:8: systems.lih.nac: this is no BORN file for the primitive cell: BORN file format of line 2 is incorrect",
    ),
    "a word for a charge": (
        "nac: {born_charges: {Li: plus, H: -1}, dielectric: 4.3}",
        "c.yaml:8: systems.lih.nac.born_charges.Li: should be a number, three, or a 3x3 matrix, got 'plus'",
    ),
    "a constant below vacuum": (
        "nac: {born_charges: {Li: 1, H: -1}, dielectric: -4.3}",
        "c.yaml:8: systems.lih.nac: dielectric: should be 1 or more in every direction",
    ),
    "another method": (
        "nac: {born_charges: {Li: 1, H: -1}, dielectric: 4.3, method: gonzo}",
        "c.yaml:8: systems.lih.nac.method: should be 'gonze' or 'wang', got 'gonzo'",
    ),
    "true for a number": (
        "nac: {born_charges: {Li: 1, H: -1}, dielectric: true}",
        "c.yaml:8: systems.lih.nac.dielectric: should be a number, got true",
    ),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("part", "message"), WRONG_NAC.values(), ids=WRONG_NAC)
def test_wrong_nac(part: str, message: str) -> None:
    assert message in complaint(part)
    assert complaint(part).count("\n") == 0


REFERENCE = """reference:
      dft: {phonopy: dft.yaml}
      neutrons: {csv: neutrons.csv, title: "Neutrons, 300 K", source: "A. Author, Journal 1, 2 (1967)"}"""


@pytest.mark.usefixtures("folder")
def test_references_are_kept_by_content() -> None:
    loaded = load(REFERENCE)
    found = loaded.resolved.systems["lih"].reference
    assert found["dft"].phonopy is not None
    assert loaded.files[found["dft"].phonopy.sha256].name == "dft.yaml"
    assert found["neutrons"].csv is not None
    assert loaded.files[found["neutrons"].csv.sha256].read_text() == CSV
    assert (found["neutrons"].title, found["dft"].title) == ("Neutrons, 300 K", "dft")


@pytest.mark.usefixtures("folder")
def test_files_beside_are_kept_too() -> None:
    loaded = load("reference: {dft: {phonopy: dft.yaml, born: BORN}}")
    found = loaded.resolved.systems["lih"].reference["dft"]
    assert {kind: loaded.files[file.sha256].name for kind, file in found.beside.items()} == {"born": "BORN"}
    assert ResolvedSpec.model_validate(json.loads(json.dumps(loaded.resolved.model_dump(mode="json")))) == loaded.resolved


WRONG_REFERENCE = {
    "no source": (
        "reference: {neutrons: {csv: neutrons.csv}}",
        "systems.lih.reference.neutrons.source: missing: where the values were published, as figures and tables will say",
    ),
    "no file named": ("reference: {dft: {}}", "systems.lih.reference.dft: names no file; give phonopy, csv or dos_csv"),
    "forces without their crystal": (
        "reference: {dft: {force_sets: FORCE_SETS, csv: neutrons.csv, source: somebody}}",
        "systems.lih.reference.dft.force_sets: needs its crystal: name phonopy_disp.yaml as phonopy",
    ),
    "forces and what is made of them": (
        "reference: {dft: {phonopy: dft.yaml, force_sets: FORCE_SETS, force_constants: FORCE_CONSTANTS}}",
        "systems.lih.reference.dft.force_sets: force constants are made of them, and are given too; remove one",
    ),
    "a file beside that is not there": (
        "reference: {dft: {phonopy: dft.yaml, born: NONE}}",
        "systems.lih.reference.dft.born: no file NONE",
    ),
    "a file beside that is none": (
        "reference: {dft: {phonopy: dft.yaml, born: neutrons.csv}}",
        "systems.lih.reference.dft.phonopy: dft.yaml: no phonons can be read from it: this is no BORN file for the primitive cell",
    ),
    "phonons of no level": (
        "reference: {pbe: {phonopy: dft.yaml}}",
        "systems.lih.reference.pbe: phonons are drawn with a level, and 'pbe' is no level of theory, and none of levels; known: dft, hf",
    ),
    "a file that is not there": (
        "reference: {dft: {phonopy: none.yaml}}",
        "systems.lih.reference.dft.phonopy: no file none.yaml",
    ),
    "labels for phonons": (
        "reference: {dft: {phonopy: dft.xyz}}",
        "systems.lih.reference.dft.phonopy: dft.xyz: no phonons can be read from it",
    ),
    "another element": (
        "reference: {dft: {phonopy: lif.yaml}}",
        "lif.yaml: its primitive cell holds FLi, that of the system HLi",
    ),
    "nan among force constants": (
        "reference: {dft: {phonopy: nan.yaml}}",
        "systems.lih.reference.dft.phonopy: nan.yaml: not all of its force constants are finite",
    ),
    "another lattice constant": (
        "reference: {dft: {phonopy: wide.yaml}}",
        "wide.yaml: its conventional cell is 4.05×4.05×4.05 Å, that of the system 4×4×4 Å: phonons are compared at one",
    ),
    "another column": (
        "reference: {n: {csv: columns.csv, source: somebody}}",
        "systems.lih.reference.n.csv: columns.csv has a column 'frequency'; did you mean frequency_cm1?",
    ),
    "no values": (
        "reference: {n: {csv: head.csv, source: somebody}}", "systems.lih.reference.n.csv: head.csv holds no value"
    ),
    "no value that is one": (
        "reference: {n: {csv: nan.csv, source: somebody}}",
        "systems.lih.reference.n.csv: nan.csv holds no value; nan.csv, line 2: frequency_cm1 should be a number, got 'nan'",
    ),
    "no place": (
        "reference: {n: {csv: noplace.csv, source: somebody}}",
        "noplace.csv has no column point (or from, to, fraction)",
    ),
}


@pytest.mark.parametrize(("part", "message"), WRONG_REFERENCE.values(), ids=WRONG_REFERENCE)
def test_wrong_reference(part: str, message: str, folder: Path) -> None:
    crystal, constants = phonopy_file().split(b"\nforce_constants:")
    (folder / "nan.yaml").write_bytes(crystal + b"\nforce_constants:" + constants.replace(b" 0.000000000000000", b" .nan", 1))
    (folder / "lif.yaml").write_bytes(phonopy_file(second="F"))
    (folder / "wide.yaml").write_bytes(phonopy_file(a=4.05))
    (folder / "head.csv").write_text("point,frequency_cm1\n")
    (folder / "nan.csv").write_text("point,frequency_cm1\nX,nan\n")
    (folder / "columns.csv").write_text("point,frequency\nX,3\n")
    (folder / "noplace.csv").write_text("frequency_cm1,from,to\n3,X,K\n")
    assert message in complaint(part)


ASIDE = {
    "csv: r.csv": (
        "point,frequency_cm1,error_cm1\nX,400,5\nX,nan,\nX,inf,\nX,400,nan\nQ,400,\n",
        (
            "line 3: frequency_cm1 should be a number, got 'nan'", "line 4: frequency_cm1 should be a number, got 'inf'",
            "line 5: error_cm1 should be a number, got 'nan'", "line 6: no point 'Q' on the path",
        ),
    ),
    "dos_csv: r.csv": ("frequency_cm1,dos\n0,0\n100,nan\n200,1\n", ("line 3: dos should be a number, got 'nan'",)),
}


@pytest.mark.parametrize("file", ASIDE)
def test_values_that_are_not_used_are_said_before_anything_runs(file: str, folder: Path) -> None:
    text, said = ASIDE[file]
    (folder / "r.csv").write_text(text)
    notes = load(f"reference: {{n: {{{file}, source: somebody}}}}").notes
    place = f"c.yaml:8: systems.lih.reference.n.{file.partition(':')[0]}: not used: r.csv, "
    assert len(notes) == len(said)
    assert all(note.startswith(place + words) for note, words in zip(notes, said, strict=True))


def test_nac_is_in_the_keys_of_phonons_alone(toy_folder: Path) -> None:
    from test_keys import all_keys, new

    nac = "systems.carbon.nac={born_charges: {C: 0}, dielectric: 5.7}"
    assert {work.stage for work in new(toy_folder, nac)} == {"phonons"}
    assert all_keys(toy_folder, nac) != all_keys(toy_folder, nac.replace("5.7", "5.6"))
    assert all_keys(toy_folder, nac) == all_keys(toy_folder, nac.replace("5.7}", "[5.7, 5.7, 5.7], method: gonze}"))


def test_a_reference_is_in_no_key(toy_folder: Path) -> None:
    from test_keys import all_keys

    (toy_folder / "warren.csv").write_text(CSV)
    reference = "systems.carbon.reference={warren: {csv: warren.csv, source: Warren}}"
    assert all_keys(toy_folder, reference) == all_keys(toy_folder)
