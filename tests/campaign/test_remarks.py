"""What was noted in reading a campaign is said where it is submitted and run too, once and shortly."""

from __future__ import annotations

import json

import pytest
from ase.io import read, write

NOTE = "2 Å holds the nearest neighbours alone"
WARNING = "carbon, dft: dft.xyz: cells differ by up to 0.056 % from the training cell"
OPTIONS = ("--set", "mace.r_max=2", "--set", "systems.carbon.structure.a=3.562", "--set", "training={seeds: [1], sizes: {few: 8}}")


@pytest.mark.usefixtures("toy_folder", "farm")
@pytest.mark.parametrize("command", ["submit", "run"])
def test_notes_and_warnings(latticefarm, command: str) -> None:
    more = ("--no-report", "--slots", "1", "--set", "models=[dft_ef]") if command == "run" else ()
    said = latticefarm(command, "toy.yaml", *OPTIONS, *more)
    assert said.code == 0, said
    text = " ".join(said.out.split())
    assert text.count(NOTE) == text.count(WARNING) == 1


@pytest.mark.usefixtures("toy_folder", "farm")
def test_as_json(latticefarm) -> None:
    said = json.loads(latticefarm("submit", "toy.yaml", *OPTIONS, "--json").out)
    assert NOTE in said["notes"][0]
    assert said["warnings"]["carbon, dft"][0].startswith("dft.xyz: cells differ")


@pytest.mark.usefixtures("toy_folder", "farm")
def test_many_of_a_level_are_cut_short(latticefarm) -> None:
    images = read("dft.xyz", ":")
    for number in (1, 4, 6):
        images[number].calc.results["energy"] += 50.0
    write("dft.xyz", images, format="extxyz")
    every = json.loads(latticefarm("plan", "toy.yaml", "--json").out)["labels"]["carbon"]["audit"]["dft"]["warnings"]
    assert len(every) > 2
    text = " ".join(latticefarm("submit", "toy.yaml").out.split())
    assert sum(" ".join(one.split()) in text for one in every) == 2
    assert f"; and {len(every) - 2} more: latticefarm results toy labels" in text
