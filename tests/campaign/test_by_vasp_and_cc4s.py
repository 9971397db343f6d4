"""A campaign as the paper's, small: MD and DFT by VASP, HF to CCSD(T) by VASP + Cc4s, from YAML to page, by the programs that stand in for both."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from plane_waves import CHAIN, PlaneWaves, energies_eV, stored_labels
from stand_in_for_cc4s import SHARES
from stand_in_for_vasp import morse

from campaign.results import open_campaign
from launchers.farm import Farm

ASKED = """\
campaign: small-paper
systems:
  diamond:
    structure: {prototype: diamond, symbols: [C], a: 3.561}
    cells: {training: [1, 1, 1], phonons: [1, 1, 1], big: [1, 1, 1]}
    levels:
      dft: {engine: vasp, forces: true, functional: PBE}
      hf: {engine: cc4s, structures: 6}
      mp2: {engine: cc4s, structures: 6}
      ccsd: {engine: cc4s, structures: 6}
      ccsd(t): {engine: cc4s, structures: 6}
    sampling: {sweep: {level: dft, temperatures_K: [300, 400], steps: 8, discard: 0, every: 2, timestep_fs: 0.5}}
    frozen_phonon: {displacements_A: [0.02, 0.04, 0.06]}
models: [dft_ef, hf-dft, ccsd(t)-dft_fc]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, hidden_irreps: 2x0e + 2x1o, max_epochs: 2, r_max: 3.0, difference: {max_epochs: 2}}
phonons: {mesh: [2, 2, 2], points_per_segment: 5}
"""
LEVELS = ["dft", "hf", "mp2", "ccsd", "ccsd(t)"]
FRAMES, DRAWN, FROZEN = 8, 6, 4
COMMAND = [sys.executable, "-c", "from campaign.cli import run_main; run_main()"]


def latticefarm(folder: Path, *words: str) -> str:
    done = subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_from_yaml_to_page(farm: Farm, tmp_path: Path) -> None:
    programs = PlaneWaves(tmp_path)
    (tmp_path / "c.yaml").write_text(ASKED + yaml.safe_dump({"engines": programs.engines()}))
    latticefarm(tmp_path, "run", "c.yaml", "--slots", "1")

    counts = json.loads(latticefarm(tmp_path, "status", "--json"))["small-paper"]["counts"]
    assert set(counts) == {"done"}
    stored = stored_labels(farm)
    assert len({label.key for label in stored}) == len(stored)
    assert Counter(label.level for label in stored) == {"dft": FRAMES + FROZEN} | dict.fromkeys(LEVELS[1:], DRAWN + FROZEN)
    for label in stored:
        atoms = label.structure.atoms()
        # coordinates stand in vasprun.xml with eight digits
        assert label.energy_eV == pytest.approx(energies_eV(atoms)[label.level], abs=2e-5)
        assert sum(label.components_eV.values()) == pytest.approx(label.energy_eV if label.components_eV else 0.0)
        assert (label.forces_eV_A is not None) == (label.level == "dft")
    one = next(label for label in stored if label.level == "dft")
    forces = morse(one.structure.atoms().cell.tolist(), one.structure.atoms().get_scaled_positions().tolist(), 1.0)[1]
    assert sum(one.forces_eV_A or (), ()) == pytest.approx(sum(map(tuple, forces), ()), abs=2e-5)

    # its own MD, whose frames are labels: what VASP computed beside are frozen phonons
    assert Counter(run["tags"]["IBRION"] for run in programs.vasp_runs()) == {"0": 2, "-1": FROZEN}
    assert programs.chain_runs() == dict.fromkeys(CHAIN, DRAWN + FROZEN)

    campaign = open_campaign(farm, "small-paper")
    frozen = {one.level: one.phonon.frequency_cm1 for one in campaign.frozen_phonons()}
    depth = {"dft": 1.0, "hf": SHARES["mesh-hf"]} | {
        "mp2": SHARES["mesh-hf"] + SHARES["secondOrder"],
        "ccsd": SHARES["mesh-hf"] + SHARES["correlation"],
        "ccsd(t)": SHARES["mesh-hf"] + SHARES["correlation"] + SHARES["triples"],
    }
    assert frozen.keys() == depth.keys()
    for level, frequency in frozen.items():  # of one bond so many times as deep
        assert frequency == pytest.approx(math.sqrt(depth[level]) * frozen["dft"], rel=1e-4)
    assert {result.work.model for result in campaign.phonons()} == {"dft_ef", "delta_hf", "delta_ccsd(t)_fc"}

    page = re.sub(r"<[^>]+>", "", (tmp_path / "small-paper-report" / "index.html").read_text())
    assert "VASP, Hartree-Fock on 3 × 3 × 3 k-points, 400 eV; Cc4s at Γ, 10 natural orbitals per occupied one" in page
    table = json.loads(latticefarm(tmp_path, "results", "small-paper", "frozen", "--json"))
    assert {row["level"]: row["frozen_cm1"] for row in table} == pytest.approx(frozen, abs=0.1)
    for name in ("labels", "training", "points", "phonons", "failures"):
        latticefarm(tmp_path, "results", "small-paper", name)

    before = programs.chain_runs(), len(programs.vasp_runs())
    assert "nothing to do" in latticefarm(tmp_path, "run", "c.yaml", "--no-report")
    assert (programs.chain_runs(), len(programs.vasp_runs())) == before
