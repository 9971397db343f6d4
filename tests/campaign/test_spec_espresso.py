"""Quantum ESPRESSO in a campaign: its pseudopotentials, and what is said of them before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from ase.build import make_supercell
from pseudopotentials import upf

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import label_requests
from campaign.spec import LoadedSpec, SpecError, load_spec

ASKED = """\
campaign: plane-waves
systems:
  silicon:
    structure: {prototype: diamond, symbols: [Si], a: 5.43}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2], big: [2, 2, 2]}
    levels:
      dft: {engine: espresso, forces: true, functional: LDA}
    sampling: {rattles: {count: 3, displacements_A: [0.03]}}
engines:
  espresso: {pseudopotentials: {Si: Si.UPF}, ecutwfc_Ry: 12, kspacing_per_A: 0.6}
models: [dft_ef]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, max_epochs: 1}
"""
HEAD = upf("Si", 4.0)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "Si.UPF").write_text(HEAD)
    path = tmp_path / "c.yaml"
    path.write_text(ASKED)
    return path


def keys(loaded: LoadedSpec) -> list[str]:
    return list(label_requests(loaded.resolved, "silicon", Knowledge()).places)


def test_labels_are_known_by_what_pseudopotentials_hold(written):
    before = keys(load_spec(written))
    pseudo = written.parent / "Si.UPF"
    (written.parent / "pseudos").mkdir()
    moved = pseudo.rename(written.parent / "pseudos" / "other.upf")
    named = "engines.espresso.pseudopotentials={Si: pseudos/other.upf}"
    loaded = load_spec(written, [named])
    assert keys(loaded) == before
    assert moved in loaded.files.values()
    moved.write_text(HEAD + "\n")
    assert not set(keys(load_spec(written, [named]))) & set(before)


@pytest.mark.parametrize(
    ("override", "place", "says"),
    [
        ("systems.silicon.levels.dft.functional=PBE", "systems.silicon.levels.dft.functional", "Si.UPF was made for lda"),
        ("engines.espresso.pseudopotentials={C: Si.UPF}", "engines.espresso.pseudopotentials", "there is none for Si"),
        ("engines.espresso.pseudopotentials={Si: no.UPF}", "engines.espresso.pseudopotentials.Si", "there is no no.UPF"),
    ],
    ids=["functional", "element", "file"],
)
def test_a_pseudopotential_that_does_not_fit_is_refused_in_its_place(written, override, place, says):
    with pytest.raises(SpecError) as caught:
        load_spec(written, [override])
    assert place in str(caught.value)
    assert says in str(caught.value)


def test_a_program_that_is_not_here_is_noted(written):
    loaded = load_spec(written, ["engines.espresso.command=/no/such/pw.x"])
    assert any("/no/such/pw.x is not on this machine" in note for note in loaded.notes)


def test_the_example_asks_for_labels_and_for_phonons_of_the_same_level(tmp_path):
    (tmp_path / "C.UPF").write_text(upf("C", 4.0, "SLA PW PBX PBC"))
    loaded = load_spec("diamond-espresso", [f"engines.espresso.pseudopotentials={{C: {tmp_path}/C.UPF}}"])
    system = loaded.resolved.systems["diamond"]
    assert system.levels["dft"].phonons
    assert not loaded.gaps
    cells = [system.training.atoms(), make_supercell(system.primitive.atoms(), system.phonon_supercell)]
    assert [(len(one), system.engines["espresso"].mesh_of(one)) for one in cells] == [(8, (3, 3, 3)), (16, (3, 3, 3))]


def test_without_the_pseudopotential_the_example_asks_for_it():
    with pytest.raises(SpecError, match=r"engines\.espresso\.pseudopotentials\.C: there is no /nowhere/C\.UPF; name the folder"):
        load_spec("diamond-espresso", ["engines.espresso.pseudopotentials={C: /nowhere/C.UPF}"])
