"""Diamond of the paper's Table 1 by VASP + Cc4s, planned where neither is: the jobs, what is missing, and every file of a label."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from potcars import lay, potcar

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import label_requests
from campaign.spec import LoadedSpec, SpecError, load_spec
from flows.labelling.engines.vasp.potentials import HOME

CALCULATED = ("hf", "mp2", "ccsd", "ccsd(t)")
RATTLED = "systems.diamond.sampling={rattles: {count: 3, displacements_A: [0.03]}}"


@pytest.fixture(autouse=True)
def without_potcars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HOME, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")


@pytest.fixture
def potcars(tmp_path: Path) -> str:
    lay(tmp_path / "potcars", "PBE_54", "C", potcar("C", valence=4, enmax=400))
    return f"engines.cc4s.potcars={tmp_path / 'potcars'}"


def keys(loaded: LoadedSpec) -> dict[str, list[str]]:
    """Of labels, by level."""
    places = label_requests(loaded.resolved, "diamond", Knowledge()).places
    return {level: [key for key, (_, one) in places.items() if one == level] for level in ("dft", *CALCULATED)}


def test_what_is_missing_is_named_in_its_place():
    notes = "\n".join(load_spec("diamond-cc4s").notes)
    for key, what in (("command", "vasp_std"), ("gamma_command", "vasp_gam"), ("cc4s_command", "Cc4s")):
        assert re.search(rf"engines\.cc4s\.{key}: .*{what} is not on this machine", notes)
    assert "engines.cc4s.potentials: no POTCAR C of PBE_54 on this machine, where PMG_VASP_PSP_DIR is not set" in notes


def test_it_is_table_1():
    system = load_spec("diamond-cc4s").resolved.systems["diamond"]
    assert len(system.training.atoms()) == 32
    engine = system.engines["cc4s"]
    assert (engine.encut_eV, engine.hf_kpoints, engine.orbitals_per_occupied) == (400, (3, 3, 3), 10)
    assert (engine.basis_set_correction, engine.finite_size_correction) == (True, True)
    assert engine.resources.allocation == "cc4s"


def test_jobs_take_all_levels_of_a_structure_at_once(latticefarm, no_database):
    assert not no_database.exists()
    work = json.loads(latticefarm("plan", "diamond-cc4s", "--set", RATTLED, "--json").out)["work"]
    jobs = [json.loads(latticefarm("plan", "diamond-cc4s", "--set", RATTLED, "--show", one["key"]).out) for one in work if one["stage"] == "label"]
    by_cc4s = [job for job in jobs if job["task"]["engine"]["kind"] == "cc4s"]
    assert len(by_cc4s) == 3
    assert all(tuple(item["levels"]) == CALCULATED for job in by_cc4s for item in job["task"]["items"])
    assert len([job for job in jobs if job["task"]["engine"]["kind"] == "vasp"]) == 3


def shown(text: str) -> dict[str, str]:
    """Its files by their paths."""
    parts = re.split(r"^--- (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_file_of_a_label_is_shown(latticefarm, no_database, potcars):
    assert not no_database.exists()
    asked = keys(load_spec("diamond-cc4s", [RATTLED, potcars]))
    files = shown(latticefarm("plan", "diamond-cc4s", "--set", RATTLED, "--set", potcars, "--show", asked["ccsd(t)"][0]).out)
    steps = ["0a-mesh-dft", "0b-mesh-hf", "1-dft", "2-hf", "3-bands", "4-mp2", "5-natural", "6-canonical", "7-vertex"]
    assert {f"{step}/{name}" for step in steps for name in ("INCAR", "KPOINTS", "POSCAR", "POTCAR", "command")} < files.keys()
    assert "C of PBE_54 (sha256 " in files["2-hf/POTCAR"]
    assert files["0b-mesh-hf/KPOINTS"].split()[-3:] == ["3", "3", "3"]
    assert files["6-canonical/WAVECAR"].strip() == "copy of WAVECAR.FNO of 5-natural"
    assert "NBANDS = 704\nNBANDSHIGH = 704\n" in files["7-vertex/INCAR"]  # 64 occupied, 640 natural
    cc4s = yaml.safe_load(files["8-cc4s/cc4s.in.yaml"])
    assert [one["name"] for one in cc4s][-1] == "PerturbativeTriples"
    assert files["8-cc4s/command"].strip() == "srun Cc4s -i cc4s.in.yaml"
    only_hf = shown(latticefarm("plan", "diamond-cc4s", "--set", RATTLED, "--set", potcars, "--show", asked["hf"][0]).out)
    assert {path.partition("/")[0] for path in only_hf} == {"0a-mesh-dft", "0b-mesh-hf"}


def test_labels_are_known_by_what_potcars_hold(potcars):
    by_name, by_content = (keys(load_spec("diamond-cc4s", [RATTLED, *more])) for more in ([], [potcars]))
    assert not set(by_name["hf"]) & set(by_content["hf"])
    assert by_name["dft"] == by_content["dft"]  # of another engine


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("engines.cc4s.encutgw_eV=500", "encutgw_eV should be at most encut_eV"),
        ("engines.cc4s.incar={ENCUTT: 500}", "did you mean ENCUT?"),
        ("engines.cc4s.incar={ALGO: Fast}", "ALGO follows from the steps"),
        ("engines.cc4s.orbitals_per_occupied=60", "orbitals are asked for, and encut_eV gives about 3279"),
        ("engines.cc4s={encut_eV: 40, encutgw_eV: 30, hf_kpoints: [3, 3, 3]}", "40 eV is far below ENMAX = 400 eV of PAW_PBE C"),
        ("systems.diamond.levels.hf.forces=true", "hf"),
    ],
)
def test_what_cannot_be_is_refused(potcars, override, says):
    with pytest.raises(SpecError, match=re.escape(says)):
        load_spec("diamond-cc4s", [RATTLED, override, potcars])
