"""`latticefarm import` of files of labels: what is of use in one clean file, the rest named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read
from program_outputs import oszicar, vasprun, xdatcar

from flows.labelling.label_set import read_label_set
from flows.labelling.settings import Expectations, MatchingSettings, PublishedFile

pytestmark = pytest.mark.usefixtures("folder", "no_database")

YAML = """
campaign: imported
systems:
  copper:
    structure: {{prototype: fcc, symbols: [Cu], a: 3.6}}
    cells: {{training: [1, 1, 1]}}
    levels:
      {level}
models: [dft_ef]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    made = frames()
    for name, some, cycles in (("a", made[:4], [5, 60, 6, 6]), ("b", made[4:], [5] * 6)):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "vasprun.xml").write_text(vasprun(some, cycles))
    return tmp_path


def frames() -> list:
    made = []
    for seed in range(10):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
        atoms.rattle(0.02 + 0.003 * seed, seed=seed)
        atoms.calc = EMT()
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        made.append(atoms)
    return made


def test_what_is_of_use_is_written_and_the_rest_named(latticefarm) -> None:
    said = latticefarm("import", "runs/*/vasprun.xml", "--level", "dft", "--forces", "--functional", "PBE")
    assert said.code == 0, said.error
    assert "set aside: a/vasprun.xml frame 1: its electrons did not converge: all NELM = 60 cycles are used up" in said.out
    assert "9 labels written to dft.xyz, 1 set aside" in said.out
    assert "of vasprun.xml the energy is e_fr_energy" in said.out
    kept = [one for number, one in enumerate(frames()) if number != 1]
    for theirs, ours in zip(read("dft.xyz", index=":"), kept, strict=True):
        assert theirs.info["REF_energy"] == pytest.approx(ours.get_potential_energy(), abs=1e-7)
        np.testing.assert_allclose(theirs.arrays["REF_forces"], ours.get_forces(), atol=1e-7)
        assert theirs.info["functional"] == "PBE"
        assert theirs.info["source"].split()[0] in ("a/vasprun.xml", "b/vasprun.xml")


def test_a_campaign_reads_what_is_written_as_it_reads_the_files(latticefarm, folder) -> None:
    """Labels have the same keys, so that nothing is trained twice."""
    said = json.loads(latticefarm("import", "runs/*/vasprun.xml", "--level", "dft", "--forces", "--functional", "PBE", "--json").out)
    (folder / "clean.yaml").write_text(YAML.format(level=said["yaml"]))
    (folder / "files.yaml").write_text(YAML.format(level="dft: {data: runs/*/vasprun.xml, forces: true}"))
    assert yaml.safe_load(said["yaml"])["dft"]["functional"] == "PBE"
    found = {one: json.loads(latticefarm("plan", one, "--json").out) for one in ("clean.yaml", "files.yaml")}
    assert not found["clean.yaml"]["labels"]["copper"]["set_aside"]
    assert labels_of("dft.xyz", energy_key="REF_energy", forces_key="REF_forces") == labels_of(*sorted(Path("runs").glob("*/vasprun.xml")))


def labels_of(*paths, **about) -> set[str]:
    import hashlib

    from flows.labelling.published.formats import format_of

    contents = [Path(path).read_bytes() for path in paths]
    files = [
        PublishedFile(name="x", sha256=hashlib.sha256(one).hexdigest(), level="dft", forces=True, format=format_of(one), **about)
        for one in contents
    ]
    return set(read_label_set("x", list(zip(files, contents, strict=True)), Expectations(), MatchingSettings())[1])


def test_what_lies_beside_is_read_too(latticefarm, folder) -> None:
    made = frames()
    (folder / "XDATCAR").write_text(xdatcar(made))
    (folder / "energies").mkdir()
    (folder / "energies/OSZICAR").write_text(oszicar([one.get_potential_energy() for one in made], [7] * 10))
    alone = latticefarm("import", "XDATCAR", "--level", "dft").complaint
    assert "no OSZICAR of the same run lies beside it" in alone
    said = json.loads(latticefarm("import", "XDATCAR", "--level", "dft", "--beside", "energies", "--output", "md.xyz", "--json").out)
    assert (said["labels"], said["set_aside"], said["forces"]) == (10, [], False)
    assert "forces" not in said["yaml"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["runs/a/vasprun.xml"], "runs/a/vasprun.xml is no archive (.zip); if these are labels, say of which level, as in --level dft"),
        (["a.zip", "b.zip"], "there are several files, and an archive is one; if these are labels, say of which level"),
        (["a.zip", "--forces"], "--forces is about labels: say of which level they are"),
        (["runs/c/*", "--level", "dft"], "no file runs/c/* (looked in "),
        (["runs/a/vasprun.xml", "--level", "DFT"], "--level: 'DFT' is no level of theory; did you mean dft?"),
        (["empty", "--level", "dft"], "level dft has no usable frame: empty has no frames of extended XYZ text"),
        (["gpaw", "--level", "dft"], "gpaw: this is a restart file of GPAW"),
        (["runs/b/vasprun.xml", "--level", "hf", "--output", "there.xyz"], "there.xyz is there already: name another file with --output"),
        (["runs/b/vasprun.xml", "--level", "hf", "--energy-key", "E"], "it has no E (its energies: e_fr_energy, e_0_energy, free_energy)"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(latticefarm, folder, arguments, complaint) -> None:
    for name, content in (("empty", b""), ("gpaw", b"- of UlmGPAW"), ("there.xyz", b"mine")):
        (folder / name).write_bytes(content)
    assert complaint in latticefarm("import", *arguments).complaint
    assert (folder / "there.xyz").read_bytes() == b"mine"
