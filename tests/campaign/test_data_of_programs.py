"""A campaign whose data are of all kinds, each with something bad in it: planned, and run to its tables and its page."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import write
from program_outputs import (
    cc4s_output,
    cp2k_output,
    hartree_fock,
    oszicar,
    outcar,
    pw_output,
    vasprun,
    xdatcar,
)

YAML = """
campaign: kinds
systems:
  copper:
    structure: {prototype: fcc, symbols: [Cu], a: 3.6}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2]}
    levels:
      dft:
        data: ["runs/*/vasprun.xml*", OUTCAR, md.traj, rows.db, more.xyz, "pw/*.out", "cp2k/*.out"]
        forces: true
        functional: PBE
      ccsd(t): {data: cc/*/8-cc4s/cc4s.out.yaml}
      ccsd: {data: cc/*/8-cc4s/cc4s.out.yaml}
  md:
    structure: {prototype: fcc, symbols: [Cu], a: 3.6}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2]}
    levels:
      dft: {data: md/*/XDATCAR, functional: PBE}
models: [dft_ef, dft_e, "ccsd(t)-dft"]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, hidden_irreps: 2x0e + 2x1o, max_epochs: 2, difference: {max_epochs: 2}}
phonons: {mesh: [2, 2, 2], points_per_segment: 5}
"""
WITH_CC = (0, 2, 3, 4, 5, 6, 11, 12, 13)
BAD = {
    "a/vasprun.xml frame 1": "all NELM = 60 cycles are used up",
    "c/vasprun.xml frame 0": "is the run finished?",
    "OUTCAR frame 1": "EDIFF was not reached",
    "md.traj frame 3": "it has no energy=",
    "rows.db frame 3": "it has no energy=",
    "more.xyz frame 3": "it has no energy=",
    "pw/3.out frame 0": "convergence NOT achieved",
    "cp2k/3.out frame 0": "SCF run NOT converged",
    "2/XDATCAR frame 0": "no OSZICAR of the same run lies beside it",
    "1/XDATCAR frame 5": "all 60 cycles (NELM) are used up",
    "14/8-cc4s/cc4s.out.yaml frame 0": "no vasprun.xml or OUTCAR of its Hartree-Fock is there",
    "15/8-cc4s/cc4s.out.yaml frame 0": "CCSD did not converge",
    "16/8-cc4s/cc4s.out.yaml frame 0": "of most of this level hf + ccsd",
}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    frames = [copper(seed) for seed in range(26)]
    bare = frames[0].copy()
    kept = {
        "runs/a/vasprun.xml": vasprun(frames[:4], [5, 60, 6, 6]),
        "runs/b/vasprun.xml.gz": gzip.compress(vasprun(frames[4:7], [5, 5, 5]).encode()),
        "runs/c/vasprun.xml": vasprun(frames[7:8], [5])[:900],
        "OUTCAR": outcar(frames[8:11], [True, False, True]),
        **{f"pw/{number}.out": pw_output(frames[19 + number], number < 3) for number in (1, 2, 3)},
        **{f"cp2k/{number}.out": cp2k_output(frames[22 + number], number < 3) for number in (1, 2, 3)},
        "md/1/XDATCAR": xdatcar(frames[:12]),
        "md/1/OSZICAR": oszicar([one.get_potential_energy() for one in frames[:12]], [7, 6, 6, 6, 6, 60, *[6] * 6]),
        "md/2/XDATCAR": xdatcar(frames[12:14]),
        "kinds.yaml": YAML,
    }
    for number in (*WITH_CC, 14, 15, 16):
        kept[f"cc/{number}/8-cc4s/cc4s.out.yaml"] = cc4s_output(-20.0 - 0.01 * number, converged=number != 15, finite_size=number != 16)
        if number != 14:
            mesh = number % 2  # the engine keeps that of k-points apart
            kept[f"cc/{number}/{'0b-mesh-hf' if mesh else '2-hf'}/vasprun.xml"] = hartree_fock(vasprun([at_hf(frames[number])], [9]))
    for name, content in kept.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    write("md.traj", [*frames[11:14], bare])
    with connect("rows.db") as database:
        for atoms in (*frames[14:17], bare):
            database.write(atoms)
    write("more.xyz", [*frames[17:20], bare], format="extxyz")
    return tmp_path


def copper(seed: int) -> Atoms:
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True)
    atoms.rattle(0.02 + 0.003 * seed, seed=seed)
    atoms.calc = EMT()
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
    return atoms


def at_hf(atoms: Atoms) -> Atoms:
    found = atoms.copy()
    found.calc = SinglePointCalculator(found, energy=1.1 * atoms.get_potential_energy() - 7.0, forces=np.zeros((4, 3)))
    return found


@pytest.mark.usefixtures("no_database", "folder")
class TestPlanned:
    def test_each_bad_one_is_named_once_and_the_rest_is_used(self, latticefarm) -> None:
        said = latticefarm("plan", "kinds.yaml", "--json")
        assert said.code == 0, said.error
        found = json.loads(said.out)
        sets = found["labels"]
        counts = {name: {level: one["count"] for level, one in made["audit"].items()} for name, made in sets.items()}
        assert counts == {"copper": {"dft": 21, "ccsd": len(WITH_CC), "ccsd(t)": len(WITH_CC)}, "md": {"dft": 11}}
        aside = [one for made in sets.values() for one in made["set_aside"] if one["level"] != "ccsd"]
        named = [f"{one['file']} frame {one['frame']}" for one in aside]
        assert sorted(named) == sorted(BAD)
        for where, one in zip(named, aside, strict=True):
            assert BAD[where] in one["reason"]
        text = json.dumps(found, ensure_ascii=False)
        for what in (
            "of vasprun.xml the energy is e_fr_energy",
            "of XDATCAR the energy is F of OSZICAR: e_fr_energy",
            "of cc4s.out.yaml the energy is that of the level: Hartree-Fock by the vasprun.xml or OUTCAR beside it",
            "energies are hf + ccsd + (t) + basis_set_mp2 + basis_set_ppl + finite_size",
        ):
            assert what in text, what

    def test_a_pattern_that_fits_nothing(self, latticefarm) -> None:
        said = latticefarm("plan", "kinds.yaml", "--set", "systems.copper.levels.dft.data=[out/*/vasprun.xml]")
        assert "no file fits out/*/vasprun.xml (looked in" in said.complaint

    def test_a_format_that_is_none(self, latticefarm) -> None:
        said = latticefarm("plan", "kinds.yaml", "--set", "systems.copper.levels.dft.energy_key={vasprum: e_0_energy}")
        assert "'vasprum' is no format of files; did you mean vasprun?" in said.complaint

    def test_a_folder_that_is_named_is_the_one(self, latticefarm) -> None:
        """Hartree-Fock of those at Γ is in 2-hf; the others have none there."""
        level = "systems.copper.levels.ccsd(t).beside=../2-hf"
        said = json.loads(latticefarm("plan", "kinds.yaml", "--json", "--set", level).out)
        assert said["labels"]["copper"]["audit"]["ccsd(t)"]["count"] == sum(number % 2 == 0 for number in WITH_CC)

    def test_a_folder_of_nothing(self, latticefarm) -> None:
        said = latticefarm("plan", "kinds.yaml", "--set", "systems.md.levels.dft={beside: ../x, forces: true}")
        assert "says where files that belong to those of data lie, and there are none; remove it" in said.complaint


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_it_runs_to_its_tables_and_its_page(latticefarm, farm, tmp_path) -> None:
    done = latticefarm("run", "kinds.yaml", "--slots", "1", "--report")
    assert done.code == 0, done
    assert farm is not None
    trained = json.loads(latticefarm("results", "kinds", "training", "--json").out)
    assert {(row["system"], row["model"]) for row in trained} >= {
        ("copper", "dft_ef"),
        ("copper", "dft_e"),
        ("copper", "ccsd(t)-dft"),
        ("copper", "delta_ccsd(t)"),
        ("md", "dft_e"),
    }
    aside = json.loads(latticefarm("results", "kinds", "set-aside", "--json").out)
    assert len([one for one in aside if one["level"] != "ccsd"]) == len(BAD)
    assert "8-cc4s/cc4s.out.yaml" in (tmp_path / "kinds-report" / "index.html").read_text()
    # all that was read travels with the campaign
    archive = tmp_path / "kinds.crate.zip"
    assert latticefarm("export", "kinds", "archive", archive).code == 0
    assert latticefarm("import", archive).code == 0
