"""`latticefarm status` says which models are unstable, how much, and how it is with the level itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import labelling_world
import pytest

from campaign.results import Campaign
from flows.keys import job_uuid
from flows.records import ImaginaryMode, UnstableModes

MODES = {"count": 7, "total": 48, "qpoint": (0.5, 0.0, 0.5), "label": "X"}


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """The only database that commands find."""
    made = labelling_world.campaign(tmp_path)
    monkeypatch.setattr("campaign.cli.connect.open_farm", lambda **_: made.farm)
    return made


@pytest.fixture
def status(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    from campaign.cli import main

    def run(*options: str) -> str:
        capsys.readouterr()
        assert main(["status", "labelled", *options]) == 0
        return capsys.readouterr().out

    return run


def said(text: str) -> list[str]:
    return [line.removeprefix("unstable: ") for line in text.splitlines() if line.startswith("unstable: ")]


def change(campaign: Campaign, model: str, seed: int | None, **fields: object) -> None:
    (work,) = (one for one in campaign.plan.of_stage("phonons") if (one.model, one.seed) == (model, seed))
    changed = {f"output.{name}": value for name, value in fields.items()}
    assert campaign.farm.outputs.update_one({"uuid": job_uuid(work.key)}, {"$set": changed}).modified_count == 1


def modes(lowest_cm1: float) -> dict:
    return UnstableModes(**MODES, lowest_cm1=lowest_cm1).model_dump(mode="json")


@pytest.mark.usefixtures("campaign")
def test_a_model_is_held_against_its_level(status) -> None:
    """The world has one model that is unstable, with both seeds; its level has phonons of its own, and a frozen one."""
    assert said(status()) == [
        "ML(DFT_E) of diamond, full: 2 of 2 seeds, lowest -33 cm^-1 (seed 1); DFT itself: stable by phonons of its own, "
        "lowest 0 cm^-1; 1700 cm^-1 at Γ by its frozen phonon"
    ]


def test_of_a_level_that_has_only_a_frozen_phonon_no_more_is_said(campaign, status) -> None:
    change(campaign, "delta_hf", 2, unstable=modes(-120.0))
    (line,) = (one for one in said(status()) if one.startswith("ΔML(HF)"))
    assert line == (
        "ΔML(HF) of diamond, full: 1 of 2 seeds, lowest -120 cm^-1 (seed 2); HF itself: 1850 cm^-1 at Γ by its frozen phonon, "
        "elsewhere not known"
    )
    found = json.loads(status("--json"))["labelled"]["unstable"]
    (one,) = (one for one in found if one["model"] == "delta_hf")
    assert (one["seeds"], one["seed_count"], one["worst_seed"], one["lowest_cm1"]) == ([2], 2, 2, -120.0)


def test_a_level_that_is_unstable_itself(campaign, status) -> None:
    change(campaign, "dft", None, unstable=modes(-45.0))
    lines = said(status())
    assert lines[0] == "DFT of diamond itself, by phonons of its own: lowest -45 cm^-1"
    assert "DFT itself: unstable by phonons of its own, lowest -45 cm^-1" in lines[1]


def test_a_frozen_phonon_that_is_imaginary(campaign, status) -> None:
    """Displaced, the energy falls as it rose before: the square of the frequency changes its sign."""
    requests = campaign.label_requests()["diamond"]
    for key in requests.frozen["hf"]:
        uuid = job_uuid(key)
        energy = campaign.farm.outputs.find_one({"uuid": uuid})["output"]["energy_eV"]
        campaign.farm.outputs.update_one({"uuid": uuid}, {"$set": {"output.energy_eV": -energy}})
    assert "HF of diamond itself, by its frozen phonon at Γ: lowest -1850 cm^-1" in said(status())


def test_records_of_before_modes_were_counted(campaign, status) -> None:
    worst = ImaginaryMode(qpoint=(0.5, 0, 0), band=0, frequency_cm1=-77.0).model_dump(mode="json")
    change(campaign, "dft_ef", 1, unstable=None, imaginary=[worst], imaginary_count=3)
    assert any(one.startswith("ML(DFT_EF) of diamond, full: 1 of 2 seeds, lowest -77 cm^-1 (seed 1)") for one in said(status()))
