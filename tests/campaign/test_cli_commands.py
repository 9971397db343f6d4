"""The commands of a user whose campaign goes well: what they print, and their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import toy_campaign
import yaml
from ase.io import read, write

from flows.keys import job_uuid

pytestmark = pytest.mark.usefixtures("toy_folder")


def test_plan_needs_no_database(latticefarm, no_database) -> None:
    said = latticefarm("plan", "toy.yaml")
    assert said.code == 0
    assert "carbon: 12 labels of dft, energies and forces" in said.out
    assert "0 of 20 jobs done, 8 to do, 12 waiting" in said.out
    assert said.out.splitlines()[-1] == "next: latticefarm run toy.yaml"
    assert not no_database.exists()


def test_plan_as_json_and_one_job_of_it(latticefarm, no_database) -> None:
    assert no_database
    planned = json.loads(latticefarm("plan", "toy.yaml", "--json").out)
    assert len(planned["work"]) == 20
    assert planned["gaps"] == []
    phonons = next(one for one in planned["work"] if one["stage"] == "phonons" and one["model"] == "delta_hf")
    shown = json.loads(latticefarm("plan", "toy.yaml", "--show", phonons["key"][:12]).out)
    assert shown["title"] == "phonons ΔML(HF) of carbon, seed 1, full"
    assert len(shown["needs"]) == 2
    assert shown["task"]["settings"]["mesh"] == [2, 2, 2]


def test_set_and_data(latticefarm, no_database, tmp_path: Path) -> None:
    assert no_database
    (tmp_path / "elsewhere").mkdir()
    Path("hf.xyz").rename(tmp_path / "elsewhere" / "hf.xyz")
    options = ("--data", tmp_path / "elsewhere", "--set", "training.seeds=[7]", "--set", "training.sizes=[half]")
    said = latticefarm("plan", "toy.yaml", *options)
    assert "0 of 5 jobs done" in said.out
    assert said.out.splitlines()[-1] == "next: latticefarm run toy.yaml, with the same options"


def test_init_copies_once(latticefarm, tmp_path: Path) -> None:
    said = latticefarm("init", "diamond-paper", tmp_path / "mine")
    assert said.code == 0
    assert yaml.safe_load((tmp_path / "mine" / "diamond-paper.yaml").read_text())["campaign"] == "diamond-paper"
    assert "is there already" in latticefarm("init", "diamond-paper", tmp_path / "mine").complaint


def test_submit_twice_adds_once(latticefarm, farm) -> None:
    first = json.loads(latticefarm("submit", "toy.yaml", "--json").out)
    assert (first["campaign"], len(first["added"])) == ("toy", 8)
    second = latticefarm("submit", "toy.yaml")
    assert second.code == 0
    assert "toy: 0 jobs added" in second.out
    assert farm.launchpad.workflows.count_documents({}) == 8
    plan = json.loads(latticefarm("plan", "toy.yaml", "--json").out)
    assert {one["state"] for one in plan["work"] if one["key"] in first["added"]} == {"queued"}


def test_plan_of_what_is_done_names_its_tables(latticefarm, farm) -> None:
    latticefarm("submit", "toy.yaml")
    keys = [work["key"] for work in json.loads(latticefarm("plan", "toy.yaml", "--json").out)["work"]]
    farm.store_records({job_uuid(key): {} for key in keys}, "done")
    assert latticefarm("plan", "toy.yaml").out.splitlines()[-1] == "next: latticefarm results toy training"
    other = latticefarm("plan", "toy.yaml", "--set", "campaign=other").out.splitlines()  # it shares all, and has no tables
    assert other[-2:] == ["20 of 20 jobs done", "next: latticefarm run toy.yaml, with the same options"]


def test_status(latticefarm, farm) -> None:
    assert farm
    assert "no campaign was submitted to this database yet" in latticefarm("status").out
    latticefarm("submit", "toy.yaml")
    found = json.loads(latticefarm("status", "--json").out)
    assert found["toy"]["counts"] == {"queued": 8, "waiting": 12}
    assert "0 of 20 jobs done, 8 queued, 12 waiting" in latticefarm("status", "toy").out
    assert "no campaign 'tyo' in the database; did you mean toy?" in latticefarm("status", "tyo").complaint


def test_pause_resume_cancel_and_retry(latticefarm, farm) -> None:
    latticefarm("submit", "toy.yaml")
    assert "toy: 4 jobs paused" in latticefarm("pause", "toy", "--model", "hf-dft").out
    assert farm.campaigns.find_one()["held"] == [{"model": "hf-dft"}]
    assert "4 paused" in latticefarm("status", "toy").out
    assert "toy: 4 jobs going on" in latticefarm("resume", "toy", "--model", "hf-dft").out
    assert "toy: 0 jobs back in the queue" in latticefarm("retry", "toy").out
    cancelled = latticefarm("cancel", "toy")
    assert cancelled.out.splitlines() == ["toy: 8 jobs cancelled", "next: latticefarm status toy"]
    assert farm.launchpad.workflows.count_documents({}) == 0


def test_what_nobody_asked_for_cannot_be_steered(latticefarm, farm) -> None:
    assert farm
    latticefarm("submit", "toy.yaml")
    assert "toy asks for no work of stage trian; did you mean train?" in latticefarm("retry", "toy", "--stage", "trian").complaint
    assert "no work of seed 3" in latticefarm("pause", "toy", "--seed", "3").complaint


def test_a_paused_campaign_says_so(latticefarm, farm) -> None:
    latticefarm("submit", "toy.yaml")
    latticefarm("pause", "toy")
    for command in (("status", "toy"), ("submit", "toy.yaml")):
        assert "toy is paused" in latticefarm(*command).out
    assert "latticefarm resume toy" in latticefarm("run", "toy.yaml").complaint
    latticefarm("resume", "toy")
    assert "paused" not in latticefarm("status", "toy").out
    assert farm.campaigns.find_one()["held"] == []


def test_a_cancelled_part_stays_out_until_it_is_resumed(latticefarm, farm) -> None:
    latticefarm("submit", "toy.yaml")
    assert "toy: 4 jobs cancelled" in latticefarm("cancel", "toy", "--model", "hf-dft").out
    assert "toy: 0 jobs added" in latticefarm("submit", "toy.yaml").out
    assert "toy is paused (model hf-dft)" in latticefarm("status", "toy").out
    assert farm.launchpad.workflows.count_documents({}) == 4
    said = latticefarm("resume", "toy").out.splitlines()
    assert said == ["toy: 4 jobs going on", "next: latticefarm work --until-empty"]
    assert latticefarm("resume", "toy").out.splitlines() == ["toy: 0 jobs going on", "next: latticefarm status toy"]
    assert farm.launchpad.workflows.count_documents({}) == 8


def test_another_campaign_keeps_what_it_wants(latticefarm, farm) -> None:
    latticefarm("submit", "toy.yaml")
    said = latticefarm("submit", "toy.yaml", "--set", "campaign=other", "--set", "training.seeds=[2, 3]")
    assert "other: 4 jobs added" in said.out
    assert "toy: 4 jobs cancelled" in latticefarm("cancel", "toy").out
    assert farm.launchpad.workflows.count_documents({}) == 8


def test_good_frames_are_stored_and_bad_ones_listed(latticefarm, farm) -> None:
    images = read("hf.xyz", index=":")
    write("hf.xyz", [*images, images[4]], format="extxyz")
    Path("hf.xyz").write_text(Path("hf.xyz").read_text().replace(f"energy={images[1].get_potential_energy()}", "energy="))
    said = latticefarm("submit", "toy.yaml")
    assert said.code == 0
    assert "set aside: 2, each with its reason in: latticefarm results toy set-aside" in said.out
    assert "8 jobs added" in said.out
    assert farm.outputs.count_documents({"name": "label"}) == toy_campaign.FRAMES + 11
    listed = json.loads(latticefarm("results", "toy", "set-aside", "--json").out)
    assert sorted(one["frame"] for one in listed) == [1, 12]


def test_a_failure_is_exit_0_of_status_and_shown(latticefarm, farm) -> None:
    """`status` did what was asked; what failed is in its facts."""
    latticefarm("submit", "toy.yaml")
    fw_id, launch = farm.launchpad.checkout_fw(_fworker(), "/runs/7")[0].fw_id, 1
    failure = {"stage": "train", "kind": "diverged", "message": "a loss [/of] nan", "advice": "lower the rate"}
    details = {"_stacktrace": "...\nflows.failure.CalculationFailed: no", "_details": {"failure": failure}}
    farm.launchpad.complete_launch(launch, _action({"_exception": details}), "FIZZLED")
    said = latticefarm("status", "toy")
    assert said.code == 0
    assert "a loss [/of] nan (lower the rate)" in said.out
    assert f"lpad get_fws -i {fw_id}" in said.out
    facts = json.loads(latticefarm("status", "toy", "--json").out)["toy"]
    assert facts["counts"]["failed"] == 1
    assert facts["counts"]["blocked"] >= 1
    assert facts["failures"][0]["kind"] == "diverged"
    assert "toy: 0 jobs added" in latticefarm("submit", "toy.yaml").out
    assert "toy: 1 jobs back in the queue" in latticefarm("retry", "toy").out


def _fworker():
    from fireworks import FWorker

    return FWorker()


def _action(stored: dict):
    from fireworks import FWAction

    return FWAction(stored_data=stored, exit=True)


def test_database_commands(latticefarm, farm, tmp_path: Path) -> None:
    assert farm
    status = json.loads(latticefarm("db", "status", "--json").out)
    assert status["running"] is True
    assert status["name"] == farm.launchpad.name
    said = latticefarm("db", "env", tmp_path / "fireworks")
    assert "lpad get_wflows" in said.out
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "fireworks").iterdir()} == {0o600}


def test_without_a_database(latticefarm, no_database) -> None:
    assert json.loads(latticefarm("db", "status", "--json").out) == {
        "running": False,
        "kind": None,
        "directory": str(no_database / "db"),
    }
    assert "no database of this machine was running" in latticefarm("db", "stop").out


def test_doctor(latticefarm, farm) -> None:
    assert farm
    found = {one["what"]: one for one in json.loads(latticefarm("doctor", "--json").out)}
    assert found["database"]["usable"] is True
    assert found["mace-torch"]["usable"] is True
    assert latticefarm("doctor").code == (1 if any(one["usable"] is False for one in found.values()) else 0)


def test_version_and_help(latticefarm) -> None:
    from campaign import __version__

    assert latticefarm("--version").out == f"latticefarm {__version__}\n"
    assert latticefarm("--help").code == 0
    assert "Example:" in latticefarm("plan", "--help").out


NOT_THERE = {
    "training": "nothing yet",  # asked for, and not done
    "failures": "none",
    "gaps": "none",
    "set-aside": "none",
    "vibrations": "not asked for, as the campaign has no dynamics",
    "frozen": "not asked for, as no system has a frozen_phonon",
    "learning": "nothing yet",
}


def test_an_empty_table_says_why(latticefarm, farm) -> None:  # noqa: ARG001
    latticefarm("submit", "toy.yaml")
    for table, why in NOT_THERE.items():
        assert latticefarm("results", "toy", table).out.startswith(f"{table}: {why} (")
    latticefarm("submit", "toy.yaml", "--set", "training.sizes=[full]")
    assert latticefarm("results", "toy", "learning").out.startswith("learning: nothing is held out, ")


def test_results_without_a_table_lists_them(latticefarm, farm) -> None:  # noqa: ARG001
    from campaign.results import TABLES

    latticefarm("submit", "toy.yaml")
    said = latticefarm("results", "toy")
    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()] == [*TABLES, "next:"]
    assert "no campaign 'tow'" in latticefarm("results", "tow").complaint
    assert latticefarm("results", "toy", "--csv").complaint.startswith("name a table: labels, ")


def test_plan_says_that_a_sweep_hides_what_comes_after_it(latticefarm, no_database, tmp_path: Path) -> None:
    assert no_database
    asked = {
        "campaign": "swept",
        "systems": {
            "al": {
                "structure": {"prototype": "fcc", "symbols": ["Al"], "a": 4.05},
                "cells": {"training": [2, 1, 1]},
                "levels": {"dft": {"engine": "emt", "forces": True}},
                "sampling": {"sweep": {"level": "dft", "temperatures_K": [200], "steps": 20, "discard": 5}},
            }
        },
        "engines": {"emt": {"kind": "ase", "calculator": "ase.calculators.emt:EMT"}},
        "models": ["dft_ef"],
    }
    spec = tmp_path / "swept.yaml"
    spec.write_text(yaml.safe_dump(asked))
    *_, total, said, _ = latticefarm("plan", spec).out.splitlines()
    assert total.startswith("0 of 1 job done, 1 to do")
    assert said == "al: labels of what its sweep draws, and all models, are counted when it is done"
