"""A campaign whose data are of several kinds, each with something bad in it, planned through the command line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import write
from program_outputs import outcar, vasprun

YAML = """
campaign: kinds
systems:
  copper:
    structure: {prototype: fcc, symbols: [Cu], a: 3.6}
    cells: {training: [1, 1, 1]}
    levels:
      dft:
        data: ["runs/*/vasprun.xml*", OUTCAR, md.traj, rows.db, more.xyz]
        forces: true
models: [dft_ef]
"""

pytestmark = pytest.mark.usefixtures("folder", "no_database")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    frames = []
    for seed in range(20):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
        atoms.rattle(0.02 + 0.003 * seed, seed=seed)
        atoms.calc = EMT()
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
        frames.append(atoms)
    bare = frames[0].copy()
    for name in "abc":
        (tmp_path / "runs" / name).mkdir(parents=True)
    (tmp_path / "runs/a/vasprun.xml").write_text(vasprun(frames[:4], [5, 60, 6, 6]))
    (tmp_path / "runs/b/vasprun.xml.gz").write_bytes(gzip.compress(vasprun(frames[4:7], [5, 5, 5]).encode()))
    (tmp_path / "runs/c/vasprun.xml").write_text(vasprun(frames[7:8], [5])[:900])
    (tmp_path / "OUTCAR").write_text(outcar(frames[8:11], [True, False, True]))
    write("md.traj", [*frames[11:14], bare])
    with connect("rows.db") as database:
        for atoms in (*frames[14:17], bare):
            database.write(atoms)
    write("more.xyz", [*frames[17:], bare], format="extxyz")
    (tmp_path / "kinds.yaml").write_text(YAML)
    return tmp_path


def test_several_kinds_in_one_campaign(latticefarm) -> None:
    said = latticefarm("plan", "kinds.yaml", "--json")
    assert said.code == 0, said.error
    text = json.dumps(json.loads(said.out), ensure_ascii=False)
    for file, reason in {
        "a/vasprun.xml": "all NELM = 60 cycles are used up",
        "c/vasprun.xml": "is the run finished?",
        "OUTCAR": "EDIFF was not reached",
        "md.traj": "it has no energy=",
        "rows.db": "it has no energy=",
        "more.xyz": "it has no energy=",
    }.items():
        assert file in text
        assert reason in text
    assert "of vasprun.xml the energy is e_fr_energy" in text


def test_a_pattern_that_fits_nothing(latticefarm) -> None:
    said = latticefarm("plan", "kinds.yaml", "--set", "systems.copper.levels.dft.data=[out/*/vasprun.xml]")
    assert "no file fits out/*/vasprun.xml (looked in" in said.complaint


def test_a_format_that_is_none(latticefarm) -> None:
    said = latticefarm("plan", "kinds.yaml", "--set", "systems.copper.levels.dft.energy_key={vasprum: e_0_energy}")
    assert "'vasprum' is no format of files; did you mean vasprun?" in said.complaint
