"""`latticefarm export CAMPAIGN labels`, and the same labels read back as the data of another campaign."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ase.calculators.emt import EMT
from ase.io import read

from campaign.results import open_campaign
from flows.keys import job_uuid
from flows.records import Label

ASKED = """
campaign: made
systems:
  copper:
    structure: {prototype: fcc, symbols: [Cu], a: 3.6}
    cells: {training: [1, 1, 1], phonons: [1, 1, 1]}
    levels: {dft: {engine: emt, forces: true}, ccsd(t): {engine: other, structures: 4}}
    sampling: {rattles: {count: 6, displacements_A: [0.03, 0.06], seed: 3}}
engines:
  emt: {kind: ase, calculator: "ase.calculators.emt:EMT"}
  other: {kind: ase, calculator: "ase.calculators.emt:EMT", arguments: {asap_cutoff: true}, stands_for: {"ccsd(t)": false}}
models: [dft_ef, ccsd(t)-dft]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, max_epochs: 1}
"""


@pytest.fixture
def made(farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, latticefarm) -> Path:
    """A campaign whose labels are there; returns the folder."""
    from launchers.workers.settings import WorkerSettings
    from launchers.workers.worker import Worker

    monkeypatch.chdir(tmp_path)
    (tmp_path / "made.yaml").write_text(ASKED)
    assert latticefarm("submit", "made.yaml").code == 0
    Worker(farm, WorkerSettings(tmp_path / "runs", categories=("label",), until_empty=True)).run()
    return tmp_path


def labels(farm, campaign: str) -> dict[tuple[str, str], Label]:
    """By level and structure."""
    (found,) = open_campaign(farm, campaign).label_sets().values()
    places = {job_uuid(key): (level, structure) for level, keys in found.labels.items() for structure, key in keys.items()}
    return {places[uuid]: Label.model_validate(record) for uuid, record in farm.records(places).items()}


def test_read_back_they_are_the_same_to_the_last_digit(latticefarm, farm, made) -> None:
    said = latticefarm("export", "made", "labels")
    assert said.code == 0, said
    document = yaml.safe_load(ASKED) | {"campaign": "again"}
    copper = document["systems"]["copper"]
    del copper["sampling"], document["engines"]
    # what it says is to be written into the YAML
    copper["levels"] = yaml.safe_load("\n".join(line.strip() for line in said.out.splitlines() if "energy_key" in line))
    assert {level: Path(one["data"]) for level, one in copper["levels"].items()} == {
        "dft": Path("made-labels/copper_dft.xyz"),
        "ccsd(t)": Path("made-labels/copper_ccsdt.xyz"),
    }
    (made / "again.yaml").write_text(yaml.safe_dump(document))
    assert "0 of" in latticefarm("plan", "again.yaml").out
    assert latticefarm("submit", "again.yaml").code == 0
    before, after = labels(farm, "made"), labels(farm, "again")
    assert len(before) == 6 + 4
    assert before.keys() == after.keys()  # the same structures, by their keys
    for place, label in before.items():
        again = after[place]
        assert (again.energy_eV, again.forces_eV_A, again.structure) == (label.energy_eV, label.forces_eV_A, label.structure)
    # published labels have keys by what they say: these do not change any more
    latticefarm("export", "again", "labels", "twice")
    for file in ("copper_dft.xyz", "copper_ccsdt.xyz"):
        numbers = [_numbers(made / folder / file) for folder in ("made-labels", "twice")]
        assert numbers[0] == numbers[1]


def _numbers(path: Path) -> list[str]:
    return [line.partition(" label_key=")[0] for line in path.read_text().splitlines()]


@pytest.mark.usefixtures("made")
def test_ase_reads_what_mace_expects_and_where_it_comes_from(latticefarm, farm) -> None:
    latticefarm("export", "made", "labels", "out", "--system", "copper")
    stored = labels(farm, "made")
    frames = read("out/copper_dft.xyz", index=":")
    assert len(frames) == 6
    for number, atoms in enumerate(frames):
        label = stored["dft", atoms.info["structure_key"]]
        assert atoms.info["label_key"] == label.key
        assert atoms.info["structure"] == f"structure {number} (rattle {(0.03, 0.06)[number % 2]} Å, seed 3)"
        assert (atoms.info["level"], atoms.info["engine"], atoms.info["settings"]) == ("dft", "ase", "ase.calculators.emt:EMT")
        assert atoms.info["settings_digest"] == label.settings_digest
        assert atoms.calc is None
        assert atoms.info["REF_energy"] == label.energy_eV
        atoms.calc = EMT()
        assert atoms.info["REF_energy"] == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        assert atoms.arrays["REF_forces"] == pytest.approx(atoms.get_forces(), abs=1e-9)
    assert all("REF_forces" not in atoms.arrays for atoms in read("out/copper_ccsdt.xyz", index=":"))
    index = json.loads(Path("out/index.json").read_text())
    assert [(one["file"], one["level"], one["labels"]) for one in index] == [
        ("copper_dft.xyz", "dft", 6),
        ("copper_ccsdt.xyz", "ccsd(t)", 4),
    ]


@pytest.mark.usefixtures("made")
def test_what_cannot_be_written_is_said(latticefarm) -> None:
    assert "labels have no seed; remove --seed" in latticefarm("export", "made", "labels", "out", "--seed", "1").complaint
    assert "did you mean copper?" in latticefarm("export", "made", "labels", "out", "--system", "coper").complaint
    assert not Path("out").exists()
