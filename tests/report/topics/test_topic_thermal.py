"""Thermal properties of the toy world on the page, and models less references of a world with frozen phonons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.topics.thermal.gather import thermal_figure
from campaign.report.topics.thermal.table import thermal_table
from campaign.results import Campaign
from flows.keys import job_uuid
from flows.phonons.harmonic import load_phonopy
from flows.records import Phonons


@pytest.fixture(scope="module")
def figure(harvest: Harvest, diamond: Crystal):
    made = thermal_figure(harvest, diamond, "full")
    assert made is not None
    return made


def test_the_figure_is_what_phonopy_says_of_the_stored_file(figure, toy: Campaign) -> None:
    """All of the toy's phonons have one file: no spread, and no difference in free energy."""
    work = toy.find("phonons", "diamond", "dft_ef", 861, "full")
    (stored,) = toy.farm.records([job_uuid(work.key)], blobs=True).values()
    crystal = load_phonopy(Phonons.model_validate(stored).blob.content())
    crystal.run_mesh([8, 8, 8], is_gamma_center=True)
    crystal.run_thermal_properties(temperatures=[300.0, 1000.0], exclude_gamma_acoustic=True)
    theirs = crystal.get_thermal_properties_dict()["heat_capacity"]
    places = [figure.temperatures_K.index(one) for one in (300.0, 1000.0)]
    for one in figure.models:
        assert [one.low_heat_capacity_J_K_mol[place] for place in places] == pytest.approx(theirs, rel=1e-9)
        assert one.high_off_kJ_mol == pytest.approx([0.0] * len(figure.temperatures_K), abs=1e-9)
    assert figure.limit_J_K_mol == pytest.approx(6 * 8.314463, rel=1e-5)
    assert max(theirs) < figure.limit_J_K_mol


def test_the_caption_names_seeds_what_has_not_learned_and_the_one_volume(figure) -> None:
    assert "Hatched, not learned: ΔML(CCSD)" in figure.caption
    assert "ML(DFT_E): seeds 861, 5192 (missing: 5735, to do)" in figure.caption
    assert "its labels have one volume, 5.64 Å³ per atom" in figure.caption


def test_what_has_imaginary_modes_is_not_judged(harvest: Harvest, diamond: Crystal) -> None:
    """A copy of the harvest in which a third of the modes of one seed are imaginary."""
    doubted = Harvest(harvest.campaign, harvest.levels)
    spoilt = {
        key: replace(one, properties=replace(one.properties, imaginary=1 / 3))
        if (one.work.model, one.work.seed) == ("dft_ef", 861) and one.properties is not None
        else one
        for key, one in harvest.thermal.items()
    }
    doubted.__dict__["thermal"] = spoilt
    made = thermal_figure(doubted, diamond, "full")
    assert made is not None
    assert "dft_ef" not in [one.model for one in made.models]
    assert "Not drawn: ML(DFT_EF) (33 % of the modes of its worst seed are imaginary)" in made.caption
    table = thermal_table(doubted)
    assert "Not judged good: ML(DFT_EF) of diamond, full: 33 % of the modes of its worst seed are imaginary." in table.notes
    rows = {row[:3]: row for row in table.rows}
    assert set(rows["diamond", "full", "ML(DFT_EF)"][4:]) == {"·"}
    assert "·" not in rows["diamond", "full", "ML(DFT_E)"]


def test_models_less_the_phonons_and_the_frozen_phonon_of_their_level(labelled: Campaign) -> None:
    """The world has made them 4 and 14, or 9 and 19 cm^-1 too high at Γ."""
    frame = labelled.table("reference", model="dft_ef", point="Γ").set_index("reference")
    frozen = frame.loc["frozen phonon"]
    assert (frozen["reference_cm1"], frozen["min_off_cm1"], frozen["max_off_cm1"]) == pytest.approx((1700.0, 4.0, 14.0), abs=0.1)
    own = frame.loc["phonons of its engine"].set_index("bands")
    assert own.loc["4-6", "mean_off_cm1"] == pytest.approx(14.0, abs=0.1)
    hf = labelled.table("reference", model="delta_hf")
    assert hf["reference"].unique().tolist() == ["frozen phonon"]
    assert hf["mean_off_cm1"].tolist() == pytest.approx([0.0], abs=0.1)
