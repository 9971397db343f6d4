"""Of a structure that has no label at one level: which, at which level, why; in `plan`, `submit` and `status`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ase.io import read, write

from campaign.spec import load_spec
from campaign.steering.submit import submit
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Worker


def said(latticefarm, *arguments: object) -> str:
    found = latticefarm(*arguments)
    assert found.code == 0, found
    return " ".join(found.out.split())


def leave_out(*numbers: int) -> None:
    images = read("hf.xyz", ":")
    write("hf.xyz", [one for number, one in enumerate(images) if number not in numbers], format="extxyz")


@pytest.mark.usefixtures("toy_folder", "farm")
def test_of_a_file(latticefarm) -> None:
    assert "lacking" not in said(latticefarm, "plan", "toy.yaml")
    leave_out(7)
    line = "lacking: HF of carbon: 11 of 12 structures; it lacks dft.xyz frame 7 (not in hf.xyz)"
    assert line in said(latticefarm, "plan", "toy.yaml")
    assert line in said(latticefarm, "submit", "toy.yaml")
    assert line in said(latticefarm, "status", "toy")
    planned = json.loads(latticefarm("plan", "toy.yaml", "--json").out)
    for facts in (planned, json.loads(latticefarm("status", "toy", "--json").out)["toy"]):
        (one,) = facts["lacking"]
        assert (one["system"], one["level"], one["count"], one["of"]) == ("carbon", "hf", 11, 12)
        assert [lack["source"] for lack in one["lacks"]] == ["dft.xyz frame 7"]


@pytest.mark.usefixtures("toy_folder", "no_database")
def test_without_a_database_and_with_the_frame_that_was_set_aside(latticefarm) -> None:
    text = Path("hf.xyz").read_text().splitlines(keepends=True)
    size = len(text) // 12
    text[7 * size + 1] = text[7 * size + 1].replace("energy=", "energy=nan old=")
    Path("hf.xyz").write_text("".join(text))
    found = said(latticefarm, "plan", "toy.yaml")
    assert "it lacks dft.xyz frame 7 (not among the usable frames of hf.xyz; set aside there: frame 7: its energy=nan" in found


@pytest.mark.usefixtures("toy_folder", "no_database")
def test_several_of_one_reason_are_one_sentence_and_not_all_are_named(latticefarm) -> None:
    leave_out(1, 2)
    assert "10 of 12 structures; it lacks dft.xyz frame 1, dft.xyz frame 2 (not in hf.xyz)" in said(latticefarm, "plan", "toy.yaml")
    leave_out(3, 4, 5, 6)  # of those that are left
    found = said(latticefarm, "plan", "toy.yaml")
    assert "6 of 12 structures; it lacks" in found
    assert "(not in hf.xyz), 1 more" in found
    leave_out(0)
    # a level that was labelled for a part of the structures only
    found = said(latticefarm, "plan", "toy.yaml")
    assert "HF of carbon: 5 of 12 structures" in found
    assert "it lacks" not in found


def test_of_an_engine(farm, latticefarm, tmp_path, monkeypatch) -> None:
    """The label of one structure fails: it is named, with the reason; what is still to come is not lacking."""
    from campaign.planning.knowledge import Knowledge
    from campaign.planning.label_requests import label_requests

    monkeypatch.chdir(tmp_path)
    system = {
        "structure": {"prototype": "fcc", "symbols": ["Cu"], "a": 3.6},
        "cells": {"training": [1, 1, 1], "phonons": [2, 2, 2]},
        "levels": {"dft": {"engine": "emt", "forces": True}, "hf": {"engine": "rough"}},
        "sampling": {"rattles": {"count": 6, "displacements_A": [0.05]}},
    }
    rough = {"kind": "ase", "calculator": "misbehaving:Misbehaving", "stands_for": {"hf": False}}
    asked = {
        "campaign": "rough", "systems": {"copper": system}, "models": ["dft_ef", "hf-dft"], "training": {"seeds": [1], "sizes": ["full"]},
        "engines": {"emt": {"kind": "ase", "calculator": "ase.calculators.emt:EMT"}, "rough": rough},
        "labelling": {"structures_per_job": 6, "tolerance": 0.3},
    }

    def written(at_x_A: float) -> Path:
        rough["arguments"] = {"how": "garbage", "at_x_A": at_x_A}
        path = tmp_path / "rough.yaml"
        path.write_text(yaml.safe_dump(asked))
        return path

    drawn = label_requests(load_spec(written(0.0)).resolved, "copper", Knowledge()).drawn
    victim = sorted(drawn)[3]
    path = written(drawn[victim].structure.positions[0][0])
    submit(farm, load_spec(path))
    assert "lacking" not in said(latticefarm, "plan", path)
    Worker(farm, WorkerSettings(tmp_path / "runs", categories=("label",), until_empty=True, patience_s=1.0)).run()
    line = f"lacking: HF of copper: 5 of 6 structures; it lacks structure {list(drawn).index(victim)} (rattle 0.05 Å, seed 1) (failed: garbage: "
    assert line in said(latticefarm, "plan", path)
    assert line in said(latticefarm, "status", "rough")
