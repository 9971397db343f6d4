"""`plan` says why labels are computed again: what was it, what is it now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from campaign.planning.knowledge import Knowledge
from campaign.planning.label_requests import label_requests
from campaign.planning.relabelling import relabellings
from campaign.spec import load_spec
from campaign.steering.submit import submit
from flows.labelling.engines.given_files import GivenFile
from flows.labelling.engines.known import ASESettings, PySCFSettings
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Worker

COUNT = 6


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    monkeypatch.chdir(tmp_path)
    return {
        "campaign": "again",
        "systems": {
            "copper": {
                "structure": {"prototype": "fcc", "symbols": ["Cu"], "a": 3.6},
                "cells": {"training": [1, 1, 1], "phonons": [2, 2, 2]},
                "levels": {"dft": {"engine": "emt", "forces": True}, "hf": {"engine": "emt"}},
                "sampling": {"rattles": {"count": COUNT, "displacements_A": [0.03]}},
            }
        },
        "engines": {"emt": {"kind": "ase", "calculator": "ase.calculators.emt:EMT", "stands_for": {"dft": True, "hf": False}}},
        "labelling": {"structures_per_job": 2},
        "models": ["dft_ef", "hf-dft"],
        "training": {"seeds": [1], "sizes": ["full"]},
    }


def write(asked: dict) -> Path:
    path = Path("again.yaml")
    path.write_text(yaml.safe_dump(asked, sort_keys=False))
    return path


@pytest.fixture
def labelled(farm, asked: dict, tmp_path: Path) -> dict:
    submit(farm, load_spec(write(asked)))
    Worker(farm, WorkerSettings(tmp_path / "runs", categories=("label",), until_empty=True, patience_s=1.0)).run()
    return asked


def test_through_the_command_line(labelled: dict, latticefarm) -> None:
    assert json.loads(latticefarm("plan", write(labelled), "--json").out)["relabelled"] == []
    labelled["engines"]["emt"]["arguments"] = {"asap_cutoff": True}
    labelled["systems"]["copper"]["sampling"]["rattles"]["count"] = COUNT + 3  # these were never labelled
    again = [
        f"{level} of copper, {COUNT} labels: labelled before with asap_cutoff none, now true; the old ones are kept"
        for level in ("DFT", "HF")
    ]
    assert json.loads(latticefarm("plan", write(labelled), "--json").out)["relabelled"] == again
    text = " ".join(latticefarm("plan", "again.yaml").out.split())
    assert all(f"again: {one}" in text for one in again)


def test_another_campaign_of_the_system_and_an_engine_of_another_name(labelled: dict, latticefarm) -> None:
    labelled["campaign"] = "other"
    labelled["engines"] = {"renamed": labelled["engines"]["emt"] | {"calculator": "ase.calculators.lj:LennardJones"}}
    for level in labelled["systems"]["copper"]["levels"].values():
        level["engine"] = "renamed"
    (dft, _) = json.loads(latticefarm("plan", write(labelled), "--json").out)["relabelled"]
    assert "labelled before with calculator ase.calculators.emt:EMT, now ase.calculators.lj:LennardJones;" in dft


def test_what_is_not_in_a_key_asks_for_nothing(labelled: dict, latticefarm) -> None:
    labelled["engines"]["emt"]["time_limit_s"] = 77
    assert json.loads(latticefarm("plan", write(labelled), "--json").out)["relabelled"] == []


def test_a_file_that_has_changed_is_named_by_what_it_held(diamond) -> None:
    cells, known = diamond.systems["diamond"], Knowledge()

    def reading(sha256: str) -> ASESettings:
        given = GivenFile(path="x.model", name="x.model", sha256=sha256 * 64).model_dump(mode="json")
        return ASESettings(calculator="some.where:Model", arguments={"model": given})

    cells = cells.model_copy(update={"engines": {"pyscf": reading("a")}})
    asked = label_requests(diamond.model_copy(update={"systems": {"diamond": cells}}), "diamond", known)
    (told,) = relabellings("diamond", cells, asked, known, [reading("b")], set)
    assert f"labelled before with model of {'b' * 12}, now of {'a' * 12};" in told


@pytest.fixture
def diamond(tmp_path: Path):
    """Asked of PySCF in a larger basis; nothing is computed."""
    system = {
        "structure": {"prototype": "diamond", "symbols": ["C"], "a": 3.56},
        "cells": {"training": [1, 1, 1], "phonons": [2, 2, 2]},
        "levels": {"dft": {"engine": "pyscf", "forces": True}},
        "sampling": {"rattles": {"count": 2, "displacements_A": [0.03]}},
    }
    document = {
        "campaign": "c", "systems": {"diamond": system}, "models": ["dft_ef"], "training": {"sizes": ["full"]},
        "engines": {"pyscf": {"basis": "gth-dzvp"}},
    }
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(document))
    return load_spec(path).resolved


def test_the_nearest_of_several_is_named(diamond) -> None:
    known = Knowledge()
    earlier = [PySCFSettings(basis="gth-szv", mesh_dft=(9, 9, 9)), PySCFSettings(basis="gth-szv")]
    told = list(
        relabellings("diamond", diamond.systems["diamond"], label_requests(diamond, "diamond", known), known, earlier, set)
    )
    assert told == ["DFT of diamond, 2 labels: labelled before with basis gth-szv, now gth-dzvp; the old ones are kept"]


def test_without_forces_before(diamond) -> None:
    known, asked = Knowledge(), label_requests(diamond, "diamond", Knowledge())
    earlier = [PySCFSettings(basis="gth-dzvp")]
    (told,) = relabellings("diamond", diamond.systems["diamond"], asked, known, earlier, set)
    assert "labelled before with forces false, now true" in told


def test_what_was_never_labelled_has_no_reason(diamond) -> None:
    known, asked = Knowledge(), label_requests(diamond, "diamond", Knowledge())
    assert list(relabellings("diamond", diamond.systems["diamond"], asked, known, [PySCFSettings()], lambda _: set())) == []
