"""An engine that crashes, hangs or answers nonsense, as a user meets it: one failure each, and the rest goes on."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import label_requests
from campaign.spec import load_spec

HOW = {"hf": "crash", "mp2": "hang", "ccsd": "garbage"}
SAID = {"hf": ("crashed", "SIGSEGV"), "mp2": ("time-limit", "time_limit_s = 3"), "ccsd": ("garbage", "energy_eV is nan")}
COUNT = 5


def campaign(at_x_A: float) -> dict:
    engines = {
        how: {
            "kind": "ase",
            "calculator": "misbehaving:Misbehaving",
            "arguments": {"how": how, "at_x_A": at_x_A},
            "stands_for": {level: False},
            "time_limit_s": 3 if how == "hang" else 60,
        }
        for level, how in HOW.items()
    }
    return {
        "campaign": "rough",
        "systems": {
            "copper": {
                "structure": {"prototype": "fcc", "symbols": ["Cu"], "a": 3.6},
                "cells": {"training": [1, 1, 1], "phonons": [2, 2, 2]},
                "levels": {"dft": {"engine": "emt", "forces": True}}
                | {level: {"engine": how} for level, how in HOW.items()},
                "sampling": {"rattles": {"count": COUNT, "displacements_A": [0.03, 0.06]}},
            }
        },
        "engines": {"emt": {"kind": "ase", "calculator": "ase.calculators.emt:EMT"}} | engines,
        "labelling": {"structures_per_job": COUNT, "tolerance": 0.3},
        "models": ["dft_ef", *(f"{level}-dft" for level in HOW)],
        "training": {"seeds": [1], "sizes": ["full"]},
        "mace": {"preset": "small", "max_epochs": 1},
    }


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """One of the structures is the one at which engines misbehave."""
    path = tmp_path / "rough.yaml"
    path.write_text(yaml.safe_dump(campaign(0.0)))
    drawn = label_requests(load_spec(path).resolved, "copper", Knowledge()).drawn
    victim = sorted(drawn)[COUNT // 2]
    path.write_text(yaml.safe_dump(campaign(drawn[victim].structure.positions[0][0])))
    return path


def label(farm, tmp_path: Path) -> None:
    from launchers.workers.settings import WorkerSettings
    from launchers.workers.worker import Worker

    settings = WorkerSettings(run_root=tmp_path / "runs", categories=("label",), until_empty=True)
    Worker(farm, settings).run()


def test_one_failure_each_and_the_rest_goes_on(latticefarm, farm, spec: Path, tmp_path: Path) -> None:
    latticefarm("submit", spec)
    label(farm, tmp_path)
    failures = json.loads(latticefarm("results", "rough", "failures", "--json").out)
    found = {one["level"]: one for one in failures if one["level"] in HOW}
    assert len(failures) == len(found) == 3, failures
    for level, (kind, said) in SAID.items():
        assert found[level]["kind"] == kind
        assert said in found[level]["message"]
    assert len({one["structure_key"] for one in found.values()}) == 1
    # the others are there, and models go on with them
    labels = {one["level"]: one["count"] for one in json.loads(latticefarm("results", "rough", "labels", "--json").out)}
    assert labels == {"dft": COUNT} | dict.fromkeys(HOW, COUNT - 1)
    plan = json.loads(latticefarm("plan", spec, "--json").out)
    assert plan["gaps"] == []
    # what failed is seen in the queue, and is not run again by itself
    assert farm.launchpad.fireworks.count_documents({"state": "FIZZLED"}) == 3
    from campaign.steering.submit import submit

    assert not [work for work in submit(farm, load_spec(spec), timedelta(0)).added if work.stage == "label"]
    assert "failed" in latticefarm("status", "rough").out


def test_retry_computes_only_what_failed(latticefarm, farm, spec: Path, tmp_path: Path) -> None:
    latticefarm("submit", spec)
    label(farm, tmp_path)
    before = {one["uuid"]: one["completed_at"] for one in farm.outputs.find({}, {"uuid": 1, "completed_at": 1})}
    spec.write_text(spec.read_text().replace("time_limit_s: 3\n", "time_limit_s: 4\n"))
    latticefarm("submit", spec)
    said = latticefarm("retry", "rough", "--stage", "label")
    assert said.code == 0
    label(farm, tmp_path)
    after = {one["uuid"]: one["completed_at"] for one in farm.outputs.find({}, {"uuid": 1, "completed_at": 1})}
    assert before.items() <= after.items()
    (hung,) = (
        one for one in json.loads(latticefarm("results", "rough", "failures", "--json").out) if one["level"] == "mp2"
    )
    assert "time_limit_s = 4" in hung["message"]  # the limit of now is in force
