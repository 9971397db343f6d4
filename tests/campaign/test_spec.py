"""What a spec says: defaults, presets and what wins, overrides, sizes, gaps, cells, the round trip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from paper_labels import HOW, PAPER

from campaign.examples import copy_example, find_example, list_examples
from campaign.spec import ResolvedSpec, SizeError, SpecError, count, load_spec

MINIMAL = """\
campaign: small
systems:
  diamond:
    structure: {prototype: diamond, symbols: [C], a: 3.56074511}
    cells: {training: [2, 2, 1]}
    levels:
      dft: {data: dft.xyz, forces: true, functional: PBE}
      hf: {data: hf.xyz}
      ccsd(t):
models: [dft_ef, dft_e, hf-dft, ccsd(t)-dft]
"""


@pytest.fixture
def minimal(tmp_path: Path) -> Path:
    (tmp_path / "dft.xyz").write_text("labels of DFT")
    (tmp_path / "hf.xyz").write_text("labels of HF")
    path = tmp_path / "small.yaml"
    path.write_text(MINIMAL)
    return path


def test_defaults_are_the_papers(minimal: Path) -> None:
    resolved = load_spec(minimal).resolved
    assert resolved.training.seeds == (5192, 5391, 5735, 7271, 861)
    assert resolved.sizes("diamond", "dft_ef") == {"full": "full", "half": 98}
    assert resolved.phonons.mesh == (24, 24, 24)
    settings = resolved.training_settings("diamond", "dft_ef")
    assert (settings.hidden_irreps, settings.max_epochs, settings.gamma) == ("128x0e + 128x1o", 50, 0.93)
    difference = resolved.training_settings("diamond", "hf-dft")
    assert (difference.max_epochs, difference.gamma) == (300, 0.988)


def test_cells_of_diamond(minimal: Path) -> None:
    system = load_spec(minimal).resolved.systems["diamond"]
    atoms = (system.conventional, system.primitive, system.training, system.big)
    assert [len(structure.symbols) for structure in atoms] == [8, 2, 32, 512]
    a = 3.56074511
    assert system.primitive.atoms().cell.lengths() == pytest.approx([a / 2**0.5] * 3, abs=1e-14)
    assert system.primitive.atoms().get_distance(0, 1, mic=True) == pytest.approx(a * 3**0.5 / 4, abs=1e-14)
    assert [row[i] for i, row in enumerate(system.phonon_supercell)] == [4, 4, 4]
    assert system.training.atoms().cell.lengths() == pytest.approx([2 * a, 2 * a, a], abs=1e-14)


def test_a_cell_may_be_a_matrix(minimal: Path) -> None:
    matrix = "[[-1, 1, 1], [1, -1, 1], [1, 1, -1]]"
    system = load_spec(minimal, [f"systems.diamond.cells.phonons={matrix}"]).resolved.systems["diamond"]
    assert system.phonon_supercell == ((-1, 1, 1), (1, -1, 1), (1, 1, -1))


def test_resolved_spec_survives_json_without_files_and_without_paths(minimal: Path) -> None:
    loaded = load_spec(minimal, ["training.sizes=[full, 98, 0.25]", "mace.difference.batch_size=2"])
    text = json.dumps(loaded.resolved.model_dump(mode="json"))
    for path in loaded.files.values():
        path.unlink()
    assert ResolvedSpec.model_validate(json.loads(text)) == loaded.resolved
    assert str(minimal.parent) not in text
    assert "null" not in json.dumps(loaded.resolved.model_dump(mode="json")["mace"])


def test_a_document_of_schema_version_1_can_be_read() -> None:
    text = (Path(__file__).parent / "resolved_spec_v1.json").read_text()
    resolved = ResolvedSpec.model_validate(json.loads(text))
    assert resolved.training_settings("po", "hf-dft").max_epochs == 7
    assert_holds(resolved.model_dump(mode="json"), json.loads(text))


def assert_holds(found: Any, old: Any) -> None:
    """`found` has everything that `old` has, and may have more keys: those of a later version."""
    if isinstance(old, dict):
        for name, value in old.items():
            assert_holds(found[name], value)
    elif isinstance(old, list):
        for one, other in zip(found, old, strict=True):
            assert_holds(one, other)
    else:
        assert found == old


def test_files_are_kept_by_content(minimal: Path) -> None:
    loaded = load_spec(minimal)
    (dft,) = loaded.resolved.systems["diamond"].levels["dft"].files
    assert (dft.name, dft.level, dft.forces) == ("dft.xyz", "dft", True)
    assert loaded.files[dft.sha256].read_text() == "labels of DFT"


def test_one_file_may_hold_the_energies_of_several_levels(minimal: Path) -> None:
    both = "systems.diamond.levels={dft: {data: dft.xyz, forces: true}, hf: {data: dft.xyz, energy_key: hf_energy}}"
    levels = load_spec(minimal, [both]).resolved.systems["diamond"].levels
    assert [(file.name, file.energy_key) for one in levels.values() for file in one.files] == [
        ("dft.xyz", None),
        ("dft.xyz", "hf_energy"),
    ]
    with pytest.raises(SpecError, match="holds the same bytes as a file of dft; name each file once"):
        load_spec(minimal, [both.replace("hf_energy", "energy")])


def test_the_data_folder_comes_before_the_folder_of_the_yaml(minimal: Path) -> None:
    folder = minimal.parent / "elsewhere"
    folder.mkdir()
    (folder / "hf.xyz").write_text("newer labels of HF")
    texts = {path.read_text() for path in load_spec(minimal, data_dir=folder).files.values()}
    assert texts == {"labels of DFT", "newer labels of HF"}


LAYERS = (
    ("mace.preset=small", "hf-dft", {"max_ell": 2, "correlation": 2, "hidden_irreps": "8x0e + 8x1o"}),
    ("mace.max_ell=1", "hf-dft", {"max_ell": 1, "correlation": 2, "max_epochs": 300}),
    ("mace.max_epochs=60", "hf-dft", {"max_epochs": 60}),
    ("mace.difference.max_epochs=70", "hf-dft", {"max_epochs": 70}),
    ("systems.diamond.mace.max_epochs=80", "hf-dft", {"max_epochs": 80}),
    ("systems.diamond.mace.difference.max_epochs=90", "hf-dft", {"max_epochs": 90}),
    ("systems.diamond.mace.preset=paper", "hf-dft", {"max_ell": 1, "correlation": 3}),
)


@pytest.mark.parametrize("depth", range(len(LAYERS)))
def test_each_layer_wins_over_those_before_it(minimal: Path, depth: int) -> None:
    resolved = load_spec(minimal, [layer[0] for layer in LAYERS[: depth + 1]]).resolved
    _, model, expected = LAYERS[depth]
    settings = resolved.training_settings("diamond", model).model_dump()
    assert {name: settings[name] for name in expected} == expected


def test_kinds_of_models_have_their_own_settings(minimal: Path) -> None:
    overrides = ["mace.energy_only.max_epochs=25", "mace.forces.batch_size=2"]
    resolved = load_spec(minimal, overrides).resolved
    assert resolved.training_settings("diamond", "dft_e").max_epochs == 25
    assert resolved.training_settings("diamond", "dft_ef").batch_size == 2
    assert resolved.training_settings("diamond", "hf-dft").max_epochs == 300


def test_overrides_are_recorded_and_make_what_is_not_there(minimal: Path) -> None:
    overrides = (
        "systems.diamond.mace.max_epochs=10",
        "training.seeds=[861, 5735]",
        "mace.learning_rate=1e-3",
    )
    resolved = load_spec(minimal, overrides).resolved
    assert resolved.overrides == overrides
    assert resolved.training.seeds == (861, 5735)
    assert resolved.training_settings("diamond", "dft_ef").max_epochs == 10
    assert resolved.training_settings("diamond", "dft_ef").learning_rate == 0.001


def test_a_level_with_brackets_can_be_overridden(minimal: Path) -> None:
    (minimal.parent / "t.xyz").write_text("labels of CCSD(T)")
    loaded = load_spec(minimal, ["systems.diamond.levels.ccsd(t).data=t.xyz"])
    assert loaded.resolved.systems["diamond"].levels["ccsd(t)"].files[0].name == "t.xyz"
    assert loaded.gaps == ()


def test_levels_without_data_and_forces_are_named_gaps(minimal: Path) -> None:
    loaded = load_spec(minimal, ["systems.diamond.levels.dft.forces=false"])
    assert [(gap.system, gap.model, gap.why) for gap in loaded.gaps] == [
        ("diamond", "dft_ef", "no forces of dft: levels.dft.forces is not true"),
        ("diamond", "ccsd(t)-dft", "no labels of ccsd(t): levels.ccsd(t) names no data and no engine"),
    ]


def test_sizes_differ_by_model_and_by_system(minimal: Path) -> None:
    sizes = "{full: full, half: {dft_ef: 998, default: 98}}"
    resolved = load_spec(minimal, [f"training.sizes={sizes}"]).resolved
    assert resolved.sizes("diamond", "dft_ef") == {"full": "full", "half": 998}
    assert resolved.sizes("diamond", "hf-dft") == {"full": "full", "half": 98}
    resolved = load_spec(minimal, [f"training.sizes={sizes}", "systems.diamond.sizes=[half, 0.25]"]).resolved
    assert resolved.sizes("diamond", "dft_ef") == {"half": "half", "25pct": 0.25}


@pytest.mark.parametrize(
    ("size", "available", "expected"),
    [("full", 200, 200), ("half", 201, 100), (98, 98, 98), (0.25, 200, 50), (0.5, 5, 3)],
)
def test_count(size: str | int | float, available: int, expected: int) -> None:
    assert count(size, available) == expected


@pytest.mark.parametrize(
    ("size", "available", "message"),
    [
        (998, 200, "size 998 is more than the 200 structures that have the labels"),
        (0.01, 100, "size 0.01 of 100 structures leaves 1; a set needs 2 or more"),
        ("full", 0, "size full of 0 structures leaves 0; a set needs 2 or more"),
    ],
)
def test_count_refuses(size: str | int | float, available: int, message: str) -> None:
    with pytest.raises(SizeError, match=message):
        count(size, available)


def test_words_of_yaml_1_1_are_names(minimal: Path) -> None:
    minimal.write_text(MINIMAL.replace("  diamond:", "  no:"))
    assert list(load_spec(minimal).resolved.systems) == ["no"]


def test_a_structure_from_a_file(minimal: Path) -> None:
    from ase.build import bulk

    bulk("LiH", "rocksalt", a=4.0, cubic=True).write(minimal.parent / "lih.cif")
    system = load_spec(minimal, ["systems.diamond.structure={file: lih.cif}"]).resolved.systems["diamond"]
    assert (len(system.conventional.symbols), len(system.primitive.symbols)) == (8, 2)


def test_a_structure_from_a_frame(minimal: Path) -> None:
    from ase.build import bulk
    from ase.io import write

    frames = [bulk("C", "diamond", a=a, cubic=True) for a in (3.5, 3.6)]
    write(minimal.parent / "frames.extxyz", frames)
    structure = "systems.diamond.structure={file: frames.extxyz, frame: 1}"
    assert load_spec(minimal, [structure]).resolved.systems["diamond"].conventional.cell[0][0] == 3.6


@pytest.mark.parametrize(
    ("name", "folder", "missing"),
    [("diamond-paper", "c", ["mp2", "ccsd"]), ("lih-paper", "lih", ["mp2", "ccsd", "ccsd(t)"])],
)
def test_examples_load(name: str, folder: str, missing: list[str]) -> None:
    if not (PAPER / folder).is_dir():
        pytest.skip(HOW)
    loaded = load_spec(name, data_dir=PAPER / folder)
    (system,) = loaded.resolved.systems.values()
    assert loaded.resolved.campaign == name
    assert [gap.model for gap in loaded.gaps] == [f"{level}-dft{how}" for how in ("", "_fc") for level in missing]
    assert (len(system.primitive.symbols), len(system.big.symbols)) == (2, 512)
    assert system.levels["dft"].forces
    assert not system.levels["hf"].forces


def test_examples_can_be_found_and_copied(tmp_path: Path) -> None:
    assert {"diamond-paper", "lih-paper"} <= set(list_examples())
    copy = copy_example("diamond-paper", tmp_path / "new")
    assert copy.read_bytes() == find_example("diamond-paper").read_bytes()
    with pytest.raises(FileExistsError):
        copy_example("diamond-paper", tmp_path / "new")
    with pytest.raises(KeyError, match="no example is called diamond"):
        find_example("diamond")
