"""A level that is steep against the base is taken for one in other units, unless its user says that it is in eV."""

from __future__ import annotations

import json

import pytest
import toy_campaign
from ase.build import bulk
from ase.io import read, write

pytestmark = pytest.mark.usefixtures("toy_folder", "no_database")


@pytest.fixture
def steep(toy_folder) -> None:  # noqa: ARG001 - the files are there first
    """A pair term beside the base: 2.655 times its energies, in eV per cell."""
    images = [toy_campaign.labelled(one, energy=2.655 * one.get_potential_energy()) for one in read("dft.xyz", ":")]
    write("hf.xyz", images, format="extxyz")


VOUCHED = ("--set", "systems.carbon.levels.hf.in_eV=true")


@pytest.mark.usefixtures("steep")
def test_it_is_set_aside_with_the_word_that_takes_it(latticefarm) -> None:
    text = " ".join(latticefarm("plan", "toy.yaml").out.split())
    assert "follow those of dft with a slope of 2.655 instead of about 1: not eV per cell" in text
    assert "convert them, or, if they are eV per cell, write in_eV: true at the level" in text


@pytest.mark.usefixtures("steep")
def test_with_the_word_it_is_used_and_said(latticefarm) -> None:
    said = json.loads(latticefarm("plan", "toy.yaml", *VOUCHED, "--json").out)
    assert said["gaps"] == []
    assert said["labels"]["carbon"]["set_aside"] == []
    (warning, *_) = said["labels"]["carbon"]["audit"]["hf"]["warnings"]
    assert "with a slope of 2.655 instead of about 1: taken as eV per cell, as in_eV says" in warning


def test_where_nothing_is_strange_the_word_says_nothing(latticefarm) -> None:
    said = json.loads(latticefarm("plan", "toy.yaml", *VOUCHED, "--json").out)
    assert not any("in_eV" in one for one in said["labels"]["carbon"]["audit"]["hf"]["warnings"])


def test_the_base_too(latticefarm) -> None:
    """Energies of twice the work of the forces; without drift, which does no work in a crystal, and does on springs."""
    sites, images = bulk("C", "diamond", a=3.56, cubic=True).get_positions(), read("dft.xyz", ":")
    for number, one in enumerate(images):
        moved = one.positions - sites
        one.positions = sites + moved - moved.mean(axis=0)
        one.calc = toy_campaign.Springs(sites)
        images[number] = toy_campaign.labelled(one, energy=2 * one.get_potential_energy(), forces=one.get_forces())
    write("dft.xyz", images, format="extxyz")
    complaint = latticefarm("plan", "toy.yaml", "--set", "models=[dft_ef]").complaint
    assert "its energies rise by 2 times the work of its forces" in complaint
    assert "write in_eV: true at the level" in complaint
    said = latticefarm("plan", "toy.yaml", "--set", "models=[dft_ef]", "--set", "systems.carbon.levels.dft.in_eV=true")
    assert said.code == 0
    assert "taken as eV, eV/Å and Å, as in_eV says" in " ".join(said.out.split())


def test_it_is_about_files(latticefarm) -> None:
    gap = ("--set", "systems.carbon.levels.hf={in_eV: true}")
    assert "in_eV: is about energies of files, and there are none; remove it" in latticefarm("plan", "toy.yaml", *gap).complaint
