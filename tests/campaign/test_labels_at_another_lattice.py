"""Labels at another lattice constant than the crystal's: refused beyond 0.2 %, with what to write; what can be used goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import toy_campaign
import yaml
from ase.io import read, write

from campaign.results import open_campaign
from campaign.spec import load_spec
from campaign.steering.submit import advance, submit
from launchers.workers.settings import WorkerSettings
from launchers.workers.worker import Worker

OFF = 3.56 * 1.0075  # 0.75 % from the labels: the optical mode of diamond moves by 3.5 %


def with_a(a: float) -> tuple[str, str]:
    return "--set", f"systems.carbon.structure.a={a}"


@pytest.mark.usefixtures("toy_folder", "no_database")
def test_all_of_them_is_an_error_that_says_what_to_write(latticefarm) -> None:
    complaint = latticefarm("plan", "toy.yaml", *with_a(OFF)).complaint
    assert complaint.startswith("carbon: level dft has no usable frame: labels in dft.xyz have a = 3.56 Å, the YAML says 3.5867")
    assert "; write a: 3.56, or" in complaint
    # what it says to write is taken, without a word about cells
    assert "cells differ" not in latticefarm("plan", "toy.yaml", *with_a(3.56)).out


@pytest.mark.parametrize(("off", "code"), [(1.0019, 0), (1 / 1.0019, 0), (1.0025, 2), (1 / 1.0025, 2)])
@pytest.mark.usefixtures("toy_folder", "no_database")
def test_one_bound_as_for_references(latticefarm, off: float, code: int) -> None:
    said = latticefarm("plan", "toy.yaml", *with_a(3.56 * off))
    assert said.code == code, said
    if code == 0:
        assert "cells differ by up to 0.19 % from the training cell (write a: 3.56)" in " ".join(said.out.split())


@pytest.mark.usefixtures("toy_folder", "no_database")
def test_some_are_set_aside_and_named_and_the_rest_goes_on(latticefarm) -> None:
    for name in ("dft.xyz", "hf.xyz"):
        scale(name, numbers=(3, 5), factor=1.0075)
    said = json.loads(latticefarm("plan", "toy.yaml", "--json").out)["labels"]["carbon"]
    assert {level: one["count"] for level, one in said["audit"].items()} == {"dft": 10, "hf": 10}
    assert [(one["file"], one["frame"]) for one in said["set_aside"]] == [
        ("dft.xyz", 3), ("dft.xyz", 5), ("hf.xyz", 3), ("hf.xyz", 5),
    ]
    assert said["set_aside"][0]["reason"] == "its cell has a = 3.5867 Å, the crystal 3.56 (e_xx = +0.75 %)"


@pytest.mark.usefixtures("toy_folder", "no_database")
def test_of_several_volumes_none_is_guessed(latticefarm) -> None:
    scale("dft.xyz", numbers=(0, 1, 2), factor=1.01)
    complaint = latticefarm("plan", "toy.yaml", *with_a(3.65)).complaint
    assert "labels in dft.xyz have a from 3.56 to 3.5956 Å, the YAML says 3.65; a campaign is of one volume" in complaint


@pytest.mark.usefixtures("toy_folder", "no_database")
def test_a_level_above_is_set_aside_alone(latticefarm) -> None:
    scale("hf.xyz", numbers=range(toy_campaign.FRAMES), factor=1.0075)
    said = json.loads(latticefarm("plan", "toy.yaml", "--json").out)
    (whole,) = (one["reason"] for one in said["labels"]["carbon"]["set_aside"] if one["file"] is None)
    assert "labels in hf.xyz have a = 3.5867 Å, the YAML says 3.56; label the structures of the crystal" in whole
    assert {one["model"] for one in said["work"]} == {"dft_ef"}


@pytest.mark.usefixtures("toy_folder", "no_database")
def test_a_strain_that_is_no_scale_names_its_largest_component(latticefarm) -> None:
    images = read("dft.xyz", ":")
    for one in images:
        cell = one.cell.array.copy()
        cell[2, 0] += 0.02 * cell[2, 2]  # a shear of 2 %: e_xz = 1 %
        one.set_cell(cell, scale_atoms=True)
    write("dft.xyz", images, format="extxyz")
    complaint = latticefarm("plan", "toy.yaml").complaint
    assert "off the training cell of the YAML by e_xz = +1 %; give structure.file the cell of the labels" in complaint


def scale(name: str, numbers, factor: float) -> None:
    """Some frames of a file, at another volume."""
    images = read(name, ":")
    for number in numbers:
        images[number].set_cell(images[number].cell * factor, scale_atoms=True)
    write(name, images, format="extxyz")


@pytest.fixture
def finished(toy_folder: Path, farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign of two systems that a version with the former bound (1 %) has brought to its end: `other` is at `OFF`."""
    path = toy_folder / "toy.yaml"
    asked = yaml.safe_load(path.read_text())
    asked["models"], asked["training"] = ["dft_ef"], {"seeds": [1], "sizes": {"few": 8}}
    asked["systems"]["other"] = json.loads(json.dumps(asked["systems"]["carbon"]))
    asked["systems"]["other"]["structure"]["a"] = OFF
    asked["systems"]["other"]["mace"] = {"max_epochs": 1}  # or the models of both are one
    path.write_text(yaml.safe_dump(asked, sort_keys=False))
    with monkeypatch.context() as then:
        for module in ("lattice", "former_cells"):
            then.setattr(f"flows.labelling.{module}.LATTICE_TOLERANCE", 0.01)
        then.setattr("campaign.records.plans.CELLS", 1)  # a plan that is kept says which code made it
        submit(farm, load_spec(path))
        Worker(farm, WorkerSettings(tmp_path / "runs", until_empty=True, patience_s=1.0)).run()
        assert set(open_campaign(farm, "toy").table("training")["system"]) == {"carbon", "other"}
    return path


def test_a_campaign_of_an_earlier_version_says_so_and_the_other_system_stays(finished, farm, latticefarm) -> None:
    advance(farm)  # what any worker of any campaign does
    for said in (latticefarm("status", "toy"), latticefarm("plan", finished)):
        assert said.code == 0
        text = " ".join(said.out.split())
        assert "gap: other has no dft_ef: no labels can be used: dft: the whole level" in text
        assert "the YAML says 3.5867; write a: 3.56, or" in text
    assert "an earlier version used them" in " ".join(latticefarm("status", "toy").out.split())
    toy = open_campaign(farm, "toy")
    assert set(toy.table("training")["system"]) == {"carbon"}
    assert set(toy.table("phonons")["system"]) == {"carbon"}
    assert set(toy.table("gaps")["system"]) == {"other"}


def test_mended_it_needs_no_new_training(finished, farm) -> None:
    """The models are of the labels, not of the lattice constant: only the phonons are computed again."""
    done = submit(farm, load_spec(finished, ["systems.other.structure.a=3.56"]))
    assert done.status.plan.gaps == ()
    assert {work.stage for key, work in done.status.plan.work.items() if key in done.added} <= {"phonons"}


def test_the_only_system_of_an_earlier_version(finished, farm, latticefarm) -> None:
    """Its commands answer, and other campaigns go on; to submit it again is an error."""
    asked = yaml.safe_load(finished.read_text())
    asked["campaign"] = "alone"
    del asked["systems"]["carbon"]
    Path("alone.yaml").write_text(yaml.safe_dump(asked, sort_keys=False))
    from campaign.records.campaigns import keep

    keep(farm, load_spec("alone.yaml").resolved)
    advance(farm)
    assert "gap: other has no dft_ef" in latticefarm("status", "alone").out
    assert "write a: 3.56" in latticefarm("results", "alone", "gaps").out
    assert "write a: 3.56" in latticefarm("submit", "alone.yaml").complaint
