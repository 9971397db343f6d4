"""A real composite, from YAML to page: base by Quantum ESPRESSO with k-points, CCSD(T) - PBE by PySCF at Γ upon it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from campaign.report.write import write_report
from campaign.results import open_campaign
from campaign.spec import load_spec
from campaign.steering.submit import advance, submit
from launchers.farm import Farm
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Worker

PSEUDO = Path("/usr/share/espresso/pseudo")
YAML = """\
campaign: two-engines
systems:
  diamond:
    structure: {prototype: diamond, symbols: [C], a: 3.567}
    cells: {training: [1, 1, 1], phonons: [[-1, 1, 1], [1, -1, 1], [1, 1, -1]]}
    levels:
      dft: {engine: espresso, functional: PBE, forces: true, phonons: true}
      dft_gamma: {engine: pyscf, method: dft, functional: PBE, in_place_of: dft}
      ccsd(t): {engine: pyscf, structures: 20, draw: informative}
    sampling: {rattles: {count: 30, displacements_A: [0.015, 0.03]}}
    frozen_phonon: {displacements_A: [0.04, 0.08]}
engines:
  espresso: {pseudopotentials: {C: C.pbe-mt_gipaw.UPF}, ecutwfc_Ry: 40, kspacing_per_A: 1.0}
  pyscf: {basis: gth-szv, cutoff_dft_Ha: 150, cutoff_Ha: 70}
models: [dft_ef, ccsd(t)-dft_gamma_fc]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, r_max: 4.0, max_epochs: 40}
phonons: {mesh: [8, 8, 8], points_per_segment: 21}
"""


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(
    shutil.which("pw.x") is None or not (PSEUDO / "C.pbe-mt_gipaw.UPF").exists(),
    reason="apt-get install -y --no-install-recommends quantum-espresso quantum-espresso-data",
)
def test_coupled_cluster_upon_plane_waves(farm: Farm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(YAML)
    submit(farm, load_spec(tmp_path / "c.yaml", data_dir=PSEUDO))
    Worker(farm, WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=1.0, then=advance)).run()
    campaign = open_campaign(farm, "two-engines")
    assert not campaign.failures()
    frozen = {one.level: one for one in campaign.frozen_phonons()}
    assert frozen["ccsd(t)"].of == ("ccsd(t)", "dft_gamma", "dft")
    (total,) = (one.record for one in campaign.phonons() if one.work.model == "delta_ccsd(t)_fc")
    (base,) = (one.record for one in campaign.phonons() if one.work.model == "dft_ef")
    # what force constants add to the base, whatever the base
    shift = max(total.points_cm1["Γ"]) - max(base.points_cm1["Γ"])
    expected = frozen["ccsd(t)"].phonon.frequency_cm1 - frozen["dft"].phonon.frequency_cm1
    error = total.point_errors_cm1["Γ"][-1]
    assert shift == pytest.approx(expected, abs=2 * error)
    assert error < 8 < expected / 4
    write_report(campaign, tmp_path / "page")
    text = re.sub(r"<[^>]+>", "", (tmp_path / "page" / "index.html").read_text())
    assert "ΔFC(CCSD(T)) stands for CCSD(T) - DFTΓ + DFT: it adds CCSD(T) - DFTΓ to DFT." in text
    assert re.search(r"CCSD\(T\) - DFTΓ \(CCSD\(T\) by PySCF, [^)]*; DFTΓ by PySCF, [^)]*PBE[^)]*Γ point alone\) added to DFT \(DFT by Quantum ESPRESSO, PBE", text)
