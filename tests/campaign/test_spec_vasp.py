"""VASP in a campaign: planned where it is not, known by what POTCARs hold, its input shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from potcars import lay, potcar

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import label_requests
from campaign.planning.labels_by_path import labels_by_path, standings
from campaign.spec import LoadedSpec, SpecError, load_spec
from flows.labelling.engines.vasp.potentials import HOME

ASKED = """\
campaign: plane-waves
systems:
  lih:
    structure: {prototype: rocksalt, symbols: [Li, H], a: 4.017}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2], big: [2, 2, 2]}
    levels:
      dft: {engine: vasp, forces: true, functional: LDA}
      hf: {engine: vasp, forces: true}
    sampling: {rattles: {count: 3, displacements_A: [0.03]}}
engines:
  vasp: {potentials: {Li: Li_sv, C: C_h}, encut_eV: 500, kspacing_per_A: 0.5, command: /no/such/vasp_std}
models: [dft_ef, hf-dft]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, max_epochs: 1}
"""


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(HOME, raising=False)
    path = tmp_path / "c.yaml"
    path.write_text(ASKED)
    return path


@pytest.fixture
def potcars(tmp_path: Path) -> Path:
    lay(tmp_path / "potcars", "LDA_54", "Li_sv", potcar("Li", "Li_sv", "lda", 3, 499))
    lay(tmp_path / "potcars", "LDA_54", "H", potcar("H", functional="lda", valence=1, enmax=250))
    return tmp_path / "potcars"


def keys(loaded: LoadedSpec) -> list[str]:
    return list(label_requests(loaded.resolved, "lih", Knowledge()).places)


def test_it_is_planned_where_it_is_not_and_what_is_missing_is_named(written):
    loaded = load_spec(written)
    engine = loaded.resolved.systems["lih"].engines["vasp"]
    assert engine.potentials == {"H": "H", "Li": "Li_sv"}
    assert engine.found == {}
    notes = "\n".join(loaded.notes)
    assert "/no/such/vasp_std is not on this machine" in notes
    assert "no POTCAR H of LDA_54, Li_sv of LDA_54 on this machine, where PMG_VASP_PSP_DIR is not set: labels are known by these names" in notes
    assert len(keys(loaded)) == 6


def test_labels_are_known_by_what_potcars_hold_wherever_they_lie(written, potcars, monkeypatch):
    by_name = keys(load_spec(written))
    monkeypatch.setenv(HOME, str(potcars))
    here = load_spec(written)
    assert not set(keys(here)) & set(by_name)
    digests = here.resolved.systems["lih"].engines["vasp"].found
    assert digests.keys() == {"Li", "H"}
    assert not here.files  # they stay where they are
    monkeypatch.delenv(HOME)
    assert keys(load_spec(written, [f"engines.vasp.potcars={potcars}"])) == keys(here)
    assert keys(load_spec(written, [f"engines.vasp.digests={json.dumps(digests)}"])) == keys(here)


def test_labels_that_are_known_by_name_are_used_where_potcars_are(written, potcars):
    by_name = frozenset(keys(load_spec(written)))
    loaded = load_spec(written, [f"engines.vasp.potcars={potcars}"])
    known = Knowledge(by_path=by_name)
    asked = label_requests(loaded.resolved, "lih", known)
    assert set(asked.places) == by_name
    assert standings(loaded.resolved, known).keys() == by_name
    texts = [one.text() for one in labels_by_path(loaded.resolved, "lih", asked, known)]
    sha256 = loaded.resolved.systems["lih"].engines["vasp"].found["H"]
    assert texts[0].startswith("3 labels of DFT, lih, are known by the name alone of what vasp read (H of LDA_54 and Li_sv of LDA_54)")
    assert f"to compute them anew, say digests: {{H: {sha256}" in texts[0]
    digests = json.dumps(dict(loaded.resolved.systems["lih"].engines["vasp"].found))
    sure = load_spec(written, [f"engines.vasp.potcars={potcars}", f"engines.vasp.digests={digests}"])
    assert {one.alone for one in standings(sure.resolved, known).values()} == {True}


def test_potcars_that_do_not_fit_are_refused_in_their_place(written, potcars):
    lay(potcars, "LDA_54", "H", potcar("H", functional="pbe"))
    with pytest.raises(SpecError) as caught:
        load_spec(written, [f"engines.vasp.potcars={potcars}"])
    assert "engines.vasp.potentials" in str(caught.value)
    assert "(PAW_PBE H 01Jan2000) was made for pbe, and lda is asked for" in str(caught.value)


@pytest.mark.parametrize(
    ("override", "place", "says"),
    [
        ("systems.lih.levels.dft.functional=PBX", "systems.lih.levels.dft.functional", "no functional 'PBX'"),
        ("engines.vasp.incar={LASPHH: true}", "engines.vasp.incar", "did you mean LASPH?"),
        ("engines.vasp.family=LDA54", "engines.vasp.family", "pymatgen knows no POTCARs called LDA54"),
        ("engines.vasp.incar={NSW: 5}", "engines.vasp.incar", "NSW follows from the other settings"),
    ],
)
def test_what_cannot_be_is_said_in_its_place(written, override, place, says):
    with pytest.raises(SpecError) as caught:
        load_spec(written, [override])
    assert place in str(caught.value)
    assert says in str(caught.value)


def test_what_vasp_would_read_is_shown(written, potcars, latticefarm, no_database):
    assert not no_database.exists()
    asked = keys(load_spec(written, [f"engines.vasp.potcars={potcars}"]))
    said = latticefarm("plan", str(written), "--set", f"engines.vasp.potcars={potcars}", "--show", asked[0][:16]).out
    assert said.startswith("label dft of lih, structure 0 (rattle 0.03 Å, seed 1), by VASP, LDA, 500 eV")
    for part in ("--- dft/INCAR", "GGA = Ca", "ENCUT = 500.0", "--- dft/KPOINTS", "4 4 4", "--- dft/POSCAR", "Li4 H4", "--- dft/POTCAR", "Li_sv of LDA_54 (sha256 "):
        assert part in said
    work = json.loads(latticefarm("plan", str(written), "--json").out)["work"]
    job = json.loads(latticefarm("plan", str(written), "--show", next(one["key"] for one in work if one["stage"] == "label")).out)
    assert set(job["labels"]) <= set(keys(load_spec(written)))
    assert list(job["inputs"]) == [f"{step}/{name}" for step in ("dft", "hf") for name in ("INCAR", "KPOINTS", "POSCAR", "POTCAR")]


def test_what_vasp_would_read_of_an_md_is_shown(written, latticefarm, no_database):
    assert not no_database.exists()
    written.write_text(ASKED.replace("rattles: {count: 3, displacements_A: [0.03]}", "sweep: {level: dft, timestep_fs: 0.5}"))
    work = json.loads(latticefarm("plan", str(written), "--json").out)["work"]
    (key,) = (one["key"] for one in work if one["stage"] == "sample")
    inputs = json.loads(latticefarm("plan", str(written), "--show", key).out)["inputs"]
    tags = inputs["dft/INCAR"].splitlines()
    assert {"IBRION = 0", "MDALGO = 3", "ISIF = 2", "TEBEG = 100.0", "TEEND = 100.0", "POTIM = 0.5", "NSW = 100", "LANGEVIN_GAMMA = 10.0 10.0"} <= set(tags)
    assert len(inputs["dft/POSCAR"].split("\n\n")[1].splitlines()) == 8  # velocities
