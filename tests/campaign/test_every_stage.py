"""Tables, exports, the page and the status at every stage of a campaign: empty, half-done, with failures, finished."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campaign.cli.results_commands import Exported
from campaign.results.tables import TABLES
from campaign.spec import load_spec
from campaign.steering.submit import advance, planned, submit
from launchers.farm import Farm
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Worker

ASKED = """
campaign: stages
systems:
  copper:
    structure: {prototype: fcc, symbols: [Cu], a: 3.6}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2], big: [1, 1, 1]}
    levels: {dft: {engine: emt, forces: true, phonons: true}, hf: {engine: other}}
    sampling: {rattles: {count: 10, displacements_A: [0.03, 0.06]}}
  iron:
    structure: {prototype: fcc, symbols: [Fe], a: 3.6}
    cells: {training: [1, 1, 1], phonons: [2, 2, 2], big: [1, 1, 1]}
    levels: {dft: {engine: emt, forces: true, phonons: true}, hf: {engine: other}}
    engines:  # EMT that is not ASE's own: that it does not know iron is found when it computes
      emt: {kind: ase, calculator: "misbehaving:Misbehaving", arguments: {how: not, at_x_A: 99}}
      other: {kind: ase, calculator: "misbehaving:Misbehaving", arguments: {how: not, at_x_A: 98}, stands_for: {hf: false}}
    sampling: {rattles: {count: 4, displacements_A: [0.03, 0.06]}}
engines:
  emt: {kind: ase, calculator: "ase.calculators.emt:EMT"}
  other: {kind: ase, calculator: "ase.calculators.emt:EMT", arguments: {asap_cutoff: true}, stands_for: {hf: false}}
labelling: {structures_per_job: 4}
models: [dft_ef, hf-dft]
training: {seeds: [1], sizes: [full, half]}
mace: {preset: small, hidden_irreps: 2x0e + 2x1o, max_epochs: 1, difference: {max_epochs: 1}}
phonons: {mesh: [2, 2, 2], points_per_segment: 3}
dynamics:
  {models: [dft_ef], steps: 400, equilibration_steps: 20, starts: 1,
   vibrations: {resolution_cm1: 520, pitch_cm1: 20, max_cm1: 500}}
"""


@pytest.fixture
def look(latticefarm: Callable[..., Any], farm: Farm, tmp_path: Path) -> Callable[[], dict[str, int]]:
    """Asks for everything that can be read; returns how many rows each table has."""

    def everything() -> dict[str, int]:
        rows = {}
        for name in TABLES:
            said = latticefarm("results", "stages", name, "--csv")
            assert said.code == 0, (name, said)
            rows[name] = len(said.out.strip().splitlines()) - 1
            assert latticefarm("results", "stages", name).code == 0
            assert len(json.loads(latticefarm("results", "stages", name, "--json").out)) == rows[name]
        for what in Exported:
            said = latticefarm("export", "stages", what, tmp_path / "out")
            assert said.code == 0 or "done yet" in said.complaint
        for more in ((), ("stages",), ("stages", "--json")):
            assert latticefarm("status", *more).code == 0
        assert latticefarm("report", "stages", "--output", tmp_path / "page").code == 0
        return rows

    assert farm is not None
    return everything


@pytest.mark.slow
def test_what_there_is_can_be_read_at_every_stage(look, farm, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stages.yaml").write_text(ASKED)
    submit(farm, load_spec(tmp_path / "stages.yaml"))
    worker = Worker(farm, WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=1.0, then=advance))

    empty = look()
    assert not any(empty.values())

    while farm.outputs.count_documents({"output.level": "hf"}) == 0:
        assert worker._run_one()
    assert look()["training"] == 0

    while farm.outputs.count_documents({"output.predictions_eV": {"$exists": True}}) == 0:
        assert worker._run_one()
        advance(farm)
    half = look()
    assert half["training"] == 1

    worker.run()
    finished = look()
    assert finished["failures"] > 0
    assert finished["gaps"] > 0
    assert finished["learning"] == finished["training"] - 3  # one size of two, of two models and their sum
    assert finished["phonons"] > 0
    assert finished["vibrations"] > 0
    assert (tmp_path / "out" / "copper_dft.phonopy.yaml").is_file()


def test_a_campaign_of_which_all_has_failed_can_be_read(look, farm, tmp_path, monkeypatch) -> None:
    """EMT knows no iron: no label, so no model, and nothing that needs one."""
    monkeypatch.chdir(tmp_path)
    before, _, iron = ASKED.partition("  copper:")[0], *ASKED.partition("  iron:")[1:]
    all_pilots = iron.replace("structures_per_job: 4", "structures_per_job: 4, pilots: 10")  # else they stop after the first
    (tmp_path / "stages.yaml").write_text(f"{before}  iron:{all_pilots}")
    asked = load_spec(tmp_path / "stages.yaml")
    submit(farm, asked)
    Worker(farm, WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=1.0, then=advance)).run()
    rows = look()
    labels = {part for work in planned(farm, asked.resolved).of_stage("label") for part in work.parts}
    assert len(labels) > 8  # four structures at two levels, and the displaced supercells of dft
    assert rows["failures"] == len(labels)
    assert rows["gaps"] > 0
    assert {rows[name] for name in ("training", "learning", "phonons", "points", "vibrations")} == {0}
