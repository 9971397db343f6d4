"""Of several systems, one whose labels cannot be used: the rest goes on, and both are named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from campaign.results import open_campaign
from campaign.spec import load_spec
from campaign.steering.submit import submit
from flows.labelling.published.frame import LabelError

TWICE = ["systems.other.structure.a=3.70"]


@pytest.fixture
def two_systems(toy_folder: Path) -> Path:
    """`other` names the same files, of crystals with another lattice constant."""
    path = toy_folder / "toy.yaml"
    asked = yaml.safe_load(path.read_text())
    asked["systems"]["other"] = asked["systems"]["carbon"]
    path.write_text(yaml.safe_dump(asked, sort_keys=False))
    return path


@pytest.mark.usefixtures("no_database")
def test_plan_names_the_system_and_goes_on(two_systems, latticefarm) -> None:
    said = latticefarm("plan", two_systems, "--set", *TWICE)
    assert said.code == 0
    text = " ".join(said.out.split())
    assert "other: dft: the whole level, to which the others are matched: level dft has no usable frame" in text
    assert "gap: other has no dft_ef: no labels can be used" in text
    assert "carbon: 12 labels of dft" in text


@pytest.mark.usefixtures("no_database")
def test_where_nothing_is_left_it_is_an_error_that_names_all(two_systems, latticefarm) -> None:
    said = latticefarm("plan", two_systems, "--set", *TWICE, "--set", "systems.carbon.structure.a=3.71")
    assert said.code == 2
    assert [line.split(":")[0] for line in said.error.removeprefix("error: ").splitlines()] == ["carbon", "other"]


def test_the_rest_is_queued_and_nothing_of_the_other_is_stored(two_systems, farm) -> None:
    submitted = submit(farm, load_spec(two_systems, TWICE))
    assert {work.system for work in submitted.status.plan.work.values()} == {"carbon"}
    assert submitted.added
    toy = open_campaign(farm, "toy")
    assert not toy.label_sets()["other"].labels
    assert set(toy.table("gaps")["system"]) == {"other"}
    assert "have a = 3.56 Å, the YAML says 3.7; write a: 3.56" in toy.table("set-aside")["reason"][0]
    assert farm.outputs.count_documents({"output.system": "other", "output.labels": {}}) == 0


def test_a_system_that_is_mended_joins(two_systems, farm) -> None:
    before = submit(farm, load_spec(two_systems, TWICE)).status.plan
    after = submit(farm, load_spec(two_systems)).status.plan
    assert {gap.system for gap in before.gaps} == {"other"}
    assert after.gaps == ()
    assert open_campaign(farm, "toy").label_sets()["other"].labels


def test_one_system_alone_is_an_error(toy_folder, farm) -> None:
    with pytest.raises(LabelError, match="carbon: level dft has no usable frame"):
        submit(farm, load_spec(toy_folder / "toy.yaml", ["systems.carbon.structure.a=3.70"]))


@pytest.mark.usefixtures("farm")
def test_submit_and_status_name_the_system_and_what_to_write(two_systems, latticefarm) -> None:
    for command in (("submit", two_systems, "--set", *TWICE), ("status", "toy")):
        said = latticefarm(*command)
        assert said.code == 0, said
        text = " ".join(said.out.split())
        for model in ("dft_ef", "hf-dft"):
            assert f"gap: other has no {model}: no labels can be used: dft: the whole level" in text
        assert "labels in dft.xyz have a = 3.56 Å, the YAML says 3.7; write a: 3.56" in text
        assert "gap: carbon" not in text
