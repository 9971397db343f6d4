"""A level whose pilots all fail, as a user meets it: it stops, status says why and of which structures, retry begins anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import label_requests
from campaign.spec import load_spec

ASKED = """
campaign: pilots
systems:
  copper:
    structure: {prototype: fcc, symbols: [Cu], a: 3.6}
    cells: {training: [1, 1, 1], phonons: [1, 1, 1]}
    levels: {dft: {engine: emt, forces: true}, ccsd(t): {engine: wrong}}
    sampling: {rattles: {count: 8, displacements_A: [0.03, 0.06], seed: 5}}
engines:
  emt: {kind: ase, calculator: "ase.calculators.emt:EMT"}
  wrong: {kind: ase, calculator: "toy_campaign:Springs", stands_for: {"ccsd(t)": false}}
labelling: {structures_per_job: 1, pilots: 3, tolerance: 0.5}
models: [dft_ef, ccsd(t)-dft]
training: {seeds: [1], sizes: [full]}
mace: {preset: small, max_epochs: 1}
"""
REASON = "toy_campaign:Springs does not take {}: Springs.__init__() missing 1 required positional argument: 'sites'"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "pilots.yaml"
    path.write_text(ASKED)
    return path


def label(farm, tmp_path: Path) -> None:
    from launchers.workers.settings import WorkerSettings
    from launchers.workers.worker import Worker

    Worker(farm, WorkerSettings(tmp_path / "runs", categories=("label",), until_empty=True)).run()


def words(said) -> str:
    return " ".join(said.out.split())


def begun(farm) -> int:
    """Label jobs of the upper level that were ever begun."""
    named = [one["nodes"][0] for one in farm.launchpad.workflows.find({"metadata.model": "ccsd(t) by wrong"}, {"nodes": 1})]
    return farm.launchpad.launches.count_documents({"fw_id": {"$in": named}})


def test_the_rest_of_a_level_is_not_begun_where_its_pilots_fail(latticefarm, farm, spec, tmp_path) -> None:
    latticefarm("submit", spec)
    label(farm, tmp_path)
    said = words(latticefarm("status", "pilots"))
    assert f"stopped: CCSD(T) of copper stopped after its pilots: 3 of 3 failed: {REASON}" in said
    assert "5 labels are not begun before `latticefarm retry pilots`, pilots first" in said
    assert begun(farm) == 3
    # labels as labels, jobs as jobs
    assert "0 of 8 labels, 5 blocked, 3 failed" in said
    assert "8 of 8 labels" in said
    # of labels 8, the 3 pilots, and one that stands for the rest; 2 trainings, their sum, 2 phonons
    assert "8 of 17 jobs done" in said
    found = json.loads(latticefarm("status", "pilots", "--json").out)["pilots"]
    assert found["label_counts"] == {"done": 8, "failed": 3, "blocked": 5}
    assert sum(found["counts"].values()) == len(found["work"])
    (stopped,) = found["stopped"]
    assert (stopped["level"], stopped["failed"], stopped["tried"], stopped["count"]) == ("ccsd(t)", 3, 3, 5)
    assert "stopped: CCSD(T) of copper" in words(latticefarm("plan", spec))


def test_failures_name_level_and_structure(latticefarm, farm, spec, tmp_path) -> None:
    latticefarm("submit", spec)
    label(farm, tmp_path)
    rows = json.loads(latticefarm("results", "pilots", "failures", "--json").out)
    assert len(rows) == 3
    number = {key: place for place, key in enumerate(label_requests(load_spec(spec).resolved, "copper", Knowledge()).drawn)}
    said, table = words(latticefarm("status", "pilots")), words(latticefarm("results", "pilots", "failures"))
    for row in rows:
        place = number[row["structure_key"]]
        what = f"CCSD(T) of structure {place} (rattle {(0.03, 0.06)[place % 2]} Å, seed 5)"
        assert row["what"] == what
        assert f"failed {what}: {REASON}" in said
        assert f"{what}: toy_campaign:Springs does not" in table
    (first, *_) = json.loads(latticefarm("status", "pilots", "--json").out)["pilots"]["failures"]
    assert [part["what"] for part in first["parts"]] == [next(row["what"] for row in rows if row["key"] == first["key"])]


def test_retry_begins_with_pilots_again(latticefarm, farm, spec, tmp_path) -> None:
    latticefarm("submit", spec)
    label(farm, tmp_path)
    assert "pilots: 3 jobs back in the queue" in latticefarm("retry", "pilots").out
    assert "stopped" not in latticefarm("status", "pilots").out
    label(farm, tmp_path)
    assert "3 of 3 failed" in words(latticefarm("status", "pilots"))
    assert begun(farm) == 3  # of the jobs that there are now
    # mended, it is another engine: pilots first, then the rest
    mended = spec.read_text().replace("toy_campaign:Springs", "ase.calculators.emt:EMT")
    spec.write_text(mended)
    latticefarm("submit", spec)
    label(farm, tmp_path)
    assert "stopped" not in latticefarm("status", "pilots").out
    assert json.loads(latticefarm("status", "pilots", "--json").out)["pilots"]["label_counts"] == {"done": 16}
