"""What a wrong spec is answered with: one line each, with file, line, key, value and what to do."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from campaign.spec import SpecError, load_spec

GOOD = """\
campaign: small
systems:
  diamond:
    structure: {prototype: diamond, symbols: [C], a: 3.56}
    cells:
      training: [2, 2, 1]
    levels:
      dft: {data: dft.xyz, forces: true}
      hf: {data: hf.xyz}
models: [dft_ef, hf-dft]
training:
  seeds: [861]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dft.xyz").write_text("labels of DFT")
    (tmp_path / "hf.xyz").write_text("labels of HF")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def complaint(text: str, *overrides: str) -> str:
    Path("c.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        load_spec("c.yaml", overrides)
    return str(caught.value)


# what of GOOD is replaced, by what, and the whole message
CASES = {
    "unknown key": ("seeds:", "seed:", "c.yaml:12: training.seed: unknown key; did you mean seeds?"),
    "unknown key far from all": (
        "forces: true",
        "zzz: 1",
        "c.yaml:8: systems.diamond.levels.dft.zzz: unknown key; known: data, engine, method, forces, functional, in_place_of, structures, draw, until, phonons, energy_key, forces_key, beside, in_eV",
    ),
    "misspelt key that is needed": (
        "structure:",
        "structur:",
        "c.yaml:4: systems.diamond.structur: unknown key; did you mean structure?",
    ),
    "missing key": ("campaign: small\n", "", "c.yaml:1: campaign: missing; add it"),
    "number for text": ("small", "5", "c.yaml:1: campaign: should be text, got 5"),
    "campaign name": (
        "small",
        "a b",
        "c.yaml:1: campaign: 'a b' should be letters, digits, _, -, points, the first a letter or a digit",
    ),
    "system name": (
        "  diamond:",
        "  a.b:",
        "c.yaml:3: systems.a.b: 'a.b' should be letters, digits, _, -, the first a letter or a digit",
    ),
    "text for number": (
        "[861]",
        "[861, x]",
        "c.yaml:12: training.seeds[1]: should be an integer, got 'x'",
    ),
    "not a mapping": (
        "{data: hf.xyz}",
        "hf.xyz",
        "c.yaml:9: systems.diamond.levels.hf: should be a mapping of keys, got 'hf.xyz'",
    ),
    "not a list": ("[861]", "861", "c.yaml:12: training.seeds: should be a list, got 861"),
    "wrong element": (
        "[C]",
        "[Cc]",
        "c.yaml:4: systems.diamond.structure.symbols[0]: 'Cc' is no element; did you mean C?",
    ),
    "wrong number of elements": (
        "[C]",
        "[C, Si]",
        "c.yaml:4: systems.diamond.structure.symbols: diamond takes 1 element(s), got ['C', 'Si']",
    ),
    "unknown prototype": (
        "prototype: diamond",
        "prototype: diamnd",
        "c.yaml:4: systems.diamond.structure.prototype: 'diamnd' is no prototype (for others, give a file); did you mean diamond?",
    ),
    "no lattice constant": (
        ", a: 3.56",
        "",
        "c.yaml:4: systems.diamond.structure.a: missing: the lattice constant of the conventional cell in Å",
    ),
    "negative lattice constant": (
        "3.56",
        "-3.56",
        "c.yaml:4: systems.diamond.structure.a: should be greater than 0, got -3.56",
    ),
    "infinite lattice constant": (
        "3.56",
        "1e400",
        "c.yaml:4: systems.diamond.structure.a: should be a finite number, got inf",
    ),
    "true for a number": (
        "[2, 2, 1]",
        "[2, 2, true]",
        "c.yaml:6: systems.diamond.cells.training[2]: should be a number, got true",
    ),
    "prototype and file": (
        "a: 3.56}",
        "a: 3.56, file: x.cif}",
        "c.yaml:4: systems.diamond.structure: give either prototype (with symbols and a) or file",
    ),
    "frame of a prototype": (
        "a: 3.56}",
        "a: 3.56, frame: 1}",
        "c.yaml:4: systems.diamond.structure.frame: does not go with prototype; remove it",
    ),
    "zero supercell": (
        "[2, 2, 1]",
        "[2, 0, 1]",
        "c.yaml:6: systems.diamond.cells.training: [2, 0, 1] spans no cell (determinant 0); "
        "all repeats must be 1 or more, a matrix right-handed",
    ),
    "negative supercell": (
        "[2, 2, 1]",
        "[-2, -2, 1]",
        "c.yaml:6: systems.diamond.cells.training: [-2, -2, 1] spans no cell (determinant 4); "
        "all repeats must be 1 or more, a matrix right-handed",
    ),
    "singular matrix": (
        "[2, 2, 1]",
        "[[1, 1, 0], [1, 1, 0], [0, 0, 1]]",
        "c.yaml:6: systems.diamond.cells.training: [[1, 1, 0], [1, 1, 0], [0, 0, 1]] spans no cell "
        "(determinant 0); all repeats must be 1 or more, a matrix right-handed",
    ),
    "supercell of two numbers": (
        "[2, 2, 1]",
        "[2, 2]",
        "c.yaml:6: systems.diamond.cells.training: should be three numbers or a 3x3 matrix, as in [2, 2, 1]; got [2, 2]",
    ),
    "supercell of uneven rows": (
        "[2, 2, 1]",
        "[[1, 0], 1, 1]",
        "c.yaml:6: systems.diamond.cells.training: should be three numbers or a 3x3 matrix, as in [2, 2, 1]; "
        "got [[1, 0], 1, 1]",
    ),
    "forces neither true nor false": (
        "forces: true",
        "forces: maybe",
        "c.yaml:8: systems.diamond.levels.dft.forces: should be true or false, got 'maybe'",
    ),
    "unknown level": (
        "      hf:",
        "      CCSDT:",
        "c.yaml:9: systems.diamond.levels.CCSDT: 'CCSDT' is no level of theory; did you mean ccsd(t)?",
    ),
    "unknown level of a model": (
        "hf-dft",
        "mp3-dft",
        "c.yaml:10: models[1]: 'mp3' is no level of theory, and none of levels; did you mean mp2?",
    ),
    "a sum among the models": (
        "hf-dft",
        "delta_hf",
        "c.yaml:10: models[1]: delta_hf is made of its parts; name these instead, as in dft_ef, hf-dft",
    ),
    "difference without its base": (
        "[dft_ef, hf-dft]",
        "[hf-dft]",
        "c.yaml:10: models: hf-dft is added to dft_ef, which is not in the list; add dft_ef",
    ),
    "model twice": ("[dft_ef,", "[dft_ef, dft_ef,", "c.yaml:10: models: dft_ef twice; name each once"),
    "models that are no text": ("[dft_ef, hf-dft]", "[1]", "c.yaml:10: models[0]: should be text, got 1"),
    "fraction for a whole number": (
        "[861]",
        "[1.5]",
        "c.yaml:12: training.seeds[0]: should be an integer, got 1.5",
    ),
    "no models": ("[dft_ef, hf-dft]", "[]", "c.yaml:10: models: is empty, got []; give 1 or more"),
    "seed twice": ("[861]", "[861, 5, 861]", "c.yaml:12: training.seeds: 861 twice; name each once"),
    "no seeds": ("[861]", "[]", "c.yaml:12: training.seeds: is empty, got []; give 1 or more"),
    "functional of HF": (
        "hf.xyz}",
        "hf.xyz, functional: PBE}",
        "c.yaml:9: systems.diamond.levels.hf.functional: only dft has a functional; remove it",
    ),
    "a key of files that there are not": (
        "{data: hf.xyz}",
        "{energy_key: HF_energy}",
        "c.yaml:9: systems.diamond.levels.hf.energy_key: names what the files of data call it, and there are none; remove it",
    ),
    "a key of forces that are not used": (
        "{data: hf.xyz}",
        "{data: hf.xyz, forces_key: f}",
        "c.yaml:9: systems.diamond.levels.hf.forces_key: names forces that are not used; add forces: true, or remove it",
    ),
    "an empty key": (
        "{data: hf.xyz}",
        "{data: hf.xyz, energy_key: ''}",
        "c.yaml:9: systems.diamond.levels.hf.energy_key: is empty; remove it",
    ),
    "size that is no word": (
        "[861]",
        "[861]\n  sizes:\n    big: hlf",
        "c.yaml:14: training.sizes.big: 'hlf' is no size (a number, a fraction, full or half); did you mean half?",
    ),
    "fraction above one": (
        "[861]",
        "[861]\n  sizes: [full, 1.5]",
        "c.yaml:13: training.sizes: 1.5 is no fraction between 0 and 1; write all as full, numbers without a point",
    ),
    "size of an unknown model": (
        "[861]",
        "[861]\n  sizes:\n    half: {dft_e: 98, default: 98}",
        "c.yaml:14: training.sizes.half.dft_e: 'dft_e' is not in models; did you mean dft_ef?",
    ),
    "size without a default": (
        "[861]",
        "[861]\n  sizes:\n    half: {dft_ef: 98}",
        "c.yaml:14: training.sizes.half: has no size for hf-dft; add default",
    ),
    "no irreps": (
        "[861]",
        "[861]\nmace: {hidden_irreps: 8x0}",
        "c.yaml:13: mace.hidden_irreps: '8x0' are no irreps; write them as 128x0e + 128x1o",
    ),
    "unknown preset": (
        "[861]",
        "[861]\nmace: {preset: huge}",
        "c.yaml:13: mace.preset: should be 'paper' or 'small', got 'huge'",
    ),
    "unknown MACE key of a kind": (
        "[861]",
        "[861]\nmace:\n  difference:\n    max_epoch: 3",
        "c.yaml:15: mace.difference.max_epoch: unknown key; did you mean max_epochs?",
    ),
    "missing file": (
        "hf.xyz",
        "hfe.xyz",
        "c.yaml:9: systems.diamond.levels.hf.data: no file hfe.xyz (looked in .); "
        "name the folder that holds it with --data DIR",
    ),
    "the same file for two levels": (
        "hf.xyz",
        "dft.xyz",
        "c.yaml:9: systems.diamond.levels.hf.data: dft.xyz holds the same bytes as a file of dft; name each file once",
    ),
    "duplicate key": (
        "training:\n  seeds",
        "campaign: again\ntraining:\n  seeds",
        "c.yaml:11: campaign: a second time (first at c.yaml:1); remove one",
    ),
    "YAML syntax": (
        "[861]",
        "[861",
        "c.yaml:13:1: not YAML: expected ',' or ']', but got '<stream end>' (while parsing a flow sequence)",
    ),
    "foreign tag": (
        "small",
        "!!python/name:os.system x",
        "c.yaml:1: campaign: cannot read 'x' as tag:yaml.org,2002:python/name:os.system; remove the tag",
    ),
    "a value that holds itself": ("[861]", "&x [*x]", "c.yaml:12: training.seeds[0]: refers to itself"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("case", CASES)
def test_one_line_for(case: str) -> None:
    old, new, message = CASES[case]
    assert GOOD.count(old) == 1, f"{old!r} must stand once in GOOD"
    assert complaint(GOOD.replace(old, new)) == message


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.seed=[1]", "training.seed: unknown key; did you mean seeds?"),
        ("mace.r_max=far", "mace.r_max: should be a number, got 'far'"),
        ("systems.daimond.mace.r_max=2", "systems.daimond: no such system; did you mean diamond?"),
        (
            "models.dft_ef=1",
            "models: is ['dft_ef', 'hf-dft'], which has no keys; set the whole of it: models=...",
        ),
        ("training.seeds", "write it as key=value, as in training.seeds=[861,5735]"),
        (
            "training.seeds=[1",
            "not YAML: expected ',' or ']', but got '<stream end>' (while parsing a flow sequence)",
        ),
        ("models=[dft_ef,hf]", "models[1]: 'hf' is not the name of a model: expected <level>_ef"),
    ],
)
def test_overrides_are_named_in_errors(override: str, message: str) -> None:
    found = complaint(GOOD, override)
    assert found.startswith(f"--set {override}:")
    assert message in found
    assert "\n" not in found


@pytest.mark.usefixtures("folder")
def test_all_problems_are_told_at_once() -> None:
    found = complaint(GOOD.replace("[C]", "[Cc]").replace("[861]", "[]").replace("small", "5"))
    assert [line.split(":")[1] for line in found.splitlines()] == ["1", "4", "12"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text\n"])
def test_a_campaign_is_a_mapping(text: str) -> None:
    assert complaint(text) == "c.yaml:1: a campaign is a mapping of keys (campaign, systems, models, ...)"


@pytest.mark.usefixtures("folder")
def test_text_that_is_not_utf8() -> None:
    Path("c.yaml").write_bytes(b"campaign: \xff\n")
    with pytest.raises(SpecError, match=r"^c.yaml: is not UTF-8 text \(byte 10\)$"):
        load_spec("c.yaml")


@pytest.mark.usefixtures("folder")
def test_no_such_spec() -> None:
    message = "^diamond-papr: no such file, and no example of that name; did you mean diamond-paper"
    with pytest.raises(SpecError, match=message):
        load_spec("diamond-papr")


@pytest.mark.usefixtures("folder")
def test_an_example_without_its_data_asks_for_it() -> None:
    with pytest.raises(SpecError) as caught:
        load_spec("lih-paper", data_dir=".")
    lines = str(caught.value).splitlines()
    levels = ["dft", "dft", "hf", "mp2", "ccsd", "ccsd(t)"]  # two files of dft
    assert [line.split(": ")[1] for line in lines] == [f"systems.lih.levels.{level}.data" for level in levels]
    assert all(line.startswith("lih-paper.yaml:") and line.endswith("--data DIR") for line in lines)


@pytest.mark.usefixtures("folder")
def test_a_data_folder_that_is_not_there() -> None:
    with pytest.raises(SpecError, match=r"^--data: nowhere is no folder$"):
        load_spec("lih-paper", data_dir="nowhere")


def test_structure_files_of_no_use(folder: Path) -> None:
    from ase.build import bulk
    from ase.io import write

    rattled = bulk("C", "diamond", a=3.56, cubic=True)
    rattled.rattle(0.05, seed=1)
    write(folder / "md.xyz", [rattled, rattled], format="extxyz")
    key = "systems.diamond.structure"
    assert "md.xyz holds 2 frames; name one with frame" in complaint(GOOD, f"{key}={{file: md.xyz}}")
    assert "md.xyz has no frame 7: it holds 2" in complaint(GOOD, f"{key}={{file: md.xyz, frame: 7}}")
    assert "has no symmetry within 0.001 Å" in complaint(GOOD, f"{key}={{file: md.xyz, frame: 1}}")
    assert "no structure could be read from hf.xyz" in complaint(GOOD, f"{key}={{file: hf.xyz}}")


def test_errors_survive_pickling() -> None:
    with pytest.raises(SpecError) as caught:
        load_spec("nothing-of-the-kind")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
