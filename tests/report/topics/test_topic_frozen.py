"""Frozen phonons beside models, against energies that were made for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import labelling_world
import pytest
from known_to_plotly import accepted

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.opening import opening
from campaign.report.topics import TOPICS
from campaign.report.topics.frozen.gather import frozen_figure
from campaign.report.topics.frozen.ink import draw_frozen
from campaign.report.topics.frozen.payload import FrozenFigure
from campaign.report.topics.frozen.plot import frozen_plot
from campaign.report.topics.frozen.source import FrozenSource
from campaign.results import Campaign
from campaign.results.render import records
from campaign.results.tables.frozen import FROZEN, optical_cm1


def test_each_level_has_its_frozen_phonon_and_its_models(frozen: FrozenFigure) -> None:
    """The energies were made for these frequencies."""
    found = {one.level: one for one in frozen.levels}
    assert list(found) == ["dft", "hf"]
    for level, one in found.items():
        assert one.frozen_cm1 == pytest.approx(labelling_world.FROZEN[level], rel=1e-4)
    models = {one.model: one.values_cm1 for level in frozen.levels for one in level.models}
    assert [one.model for one in found["dft"].models] == ["dft_ef", "dft_e"]
    assert [one.model for one in found["hf"].models] == ["delta_hf"]
    for model, values in models.items():
        low = labelling_world.OPTICAL[model]
        assert values == pytest.approx((low, low + 10))
    assert found["dft"].direct_cm1 == pytest.approx(labelling_world.OPTICAL["dft"])
    assert found["hf"].direct_cm1 is None


def test_the_experiment_is_shown_however_far(frozen: FrozenFigure) -> None:
    assert [one.value_cm1 for one in frozen.markers] == [1332.5]
    low, high = frozen.range_cm1
    assert low < 900 < 1332.5 < 1860 < high


def test_the_worst_deviation_is_shown(frozen: FrozenFigure) -> None:
    reach = 1.15 * 800  # ML(DFT_E), which has not learned
    assert frozen.off_cm1 == pytest.approx((-reach, reach), rel=1e-3)
    low, high = draw_frozen(frozen).axes[1].get_xlim()
    drawn = [x for line in draw_frozen(frozen).axes[1].lines for x in line.get_xdata()]
    assert low < min(drawn) < -799
    assert max(drawn) < high


def test_the_caption_says_what_was_computed_and_what_to_expect(frozen: FrozenFigure) -> None:
    for what in (
        "DFT by PySCF, basis gth-szv, PBE, pseudopotentials gth-pbe, Γ point alone",
        "HF by PySCF, basis gth-szv, pseudopotentials gth-hf, Γ point alone",
        "1×1×1 cell (8 atoms) of the training structures",
        "moved along x against the other by 0.04 and 0.08 Å",
        "a u² + b u⁴",
        "A minimal basis (gth-szv) at the Γ point of a small cell is far from experiment",
        "Diamonds: phonons of DFT itself",
        "Solin & Ramdas",
        "the frozen phonon of CCSD(T) (its labels are not all there)",
        "ΔML(CCSD(T)) (seed 1: to do, seed 2: to do)",
        "Hatched, not learned: ML(DFT_E)",
        "HF: ΔML(HF), seeds 1, 2",
        "Labelling: pyscf 2.14.0",
    ):
        assert what in f"{frozen.caption} {frozen.methods}", what


def test_an_imaginary_optical_mode_is_below_the_acoustic_ones(labelled: Campaign) -> None:
    record = labelled.phonons()[0].record
    soft = record.model_copy(update={"points_cm1": {"Γ": (-400.0, -400.0, -400.0, -0.1, 0.0, 0.1)}})
    assert optical_cm1(soft.points_cm1) == -400
    polar = record.model_copy(update={"points_cm1": {"Γ": (-0.1, 0.0, 0.1, 625.0, 625.0, 1079.0)}})
    assert optical_cm1(polar.points_cm1) == 625


def test_the_line_is_drawn_and_told_beside_its_sum(frozen: FrozenFigure) -> None:
    models = {one.model: one for level in frozen.levels for one in level.models}
    assert models["delta_hf"].line_cm1 == pytest.approx(labelling_world.LINE)
    assert models["delta_hf"].line_base == "dft"
    assert models["dft_ef"].line_cm1 == ()
    assert "Ticks in the row of a sum: a straight line in E_DFT alone" in frozen.caption
    assert "ΔML(HF) 1845 to 1855 (a straight line in E_DFT 1854 to 1865)" in frozen.alt
    ticks = [
        x
        for axes in draw_frozen(frozen).axes
        for line in axes.get_lines()
        if line.get_marker() == "|"
        for x in line.get_xdata()
    ]
    assert ticks == pytest.approx([*labelling_world.LINE, *(value - 1850 for value in labelling_world.LINE)], abs=1e-3)


def test_a_line_that_is_far_off_is_shown(labelled: Campaign, crystal: Crystal) -> None:
    far = replace(labelled)
    far.__dict__["_lines"] = {
        key: replace(line, points_cm1={"Γ": (0.0, 0.0, 0.0, 3000.0, 3000.0, 3000.0)})
        for key, line in labelled.lines().items()
    }
    made = frozen_figure(FrozenSource(Harvest(far), crystal))
    assert made is not None
    assert made.range_cm1[1] > 3000
    assert made.off_cm1[1] > 3000 - 1850


def opened(labelled: Campaign, learned: Callable[[str], bool]) -> Campaign:
    """With other verdicts, by model."""
    made = replace(labelled)
    made.__dict__["_phonons"] = [
        replace(one, record=one.record.model_copy(update={"learned": learned(one.work.model)}))
        for one in labelled.phonons()
    ]
    made.__dict__["_frequencies"] = made.__dict__["_phonons"]  # what tables read is the same, undrawn
    return made


@pytest.mark.parametrize(
    ("learned", "said"),
    [
        (
            {"dft_ef"},
            "ML(DFT_EF), a model that has learned, is within 0.8 % of the frozen phonon that the engine itself has for its level.",
        ),
        (
            {"delta_hf"},
            "ΔML(HF), a model that has learned, is within 0.3 % of the frozen phonon that the engine itself has for its "
            "level (a straight line in E_DFT alone: within 0.8 %).",
        ),
        (
            set(),
            "ML(DFT_EF), ML(DFT_E) and ΔML(HF), none of which has learned, are within 47.1 % of the frozen phonons that the "
            "engine itself has for their levels; ΔML(HF) within 0.3 % (a straight line in E_DFT alone: within 0.8 %); but "
            "unstable: ML(DFT_E) (lowest mode -33 cm^-1).",
        ),
    ],
)
def test_the_page_names_whom_it_counts(
    labelled: Campaign, crystal: Crystal, learned: set[str], said: str
) -> None:
    (text,) = opening(Harvest(opened(labelled, learned.__contains__)), {"diamond": crystal}, TOPICS)
    assert said in text


def test_an_imaginary_mode_is_held_against_nothing(labelled: Campaign, crystal: Crystal) -> None:
    """A model had been within 200 % of the frozen phonon: its optical mode at Γ was as imaginary as that one is not."""
    soft = opened(labelled, lambda _: False)
    soft.__dict__["_phonons"] = [
        replace(one, record=one.record.model_copy(update={"points_cm1": {"Γ": (-500.0,) * 3 + (0.0,) * 3}}))
        if one.work.model == "dft_e" else one
        for one in soft.phonons()
    ]
    soft.__dict__["_frequencies"] = soft.__dict__["_phonons"]
    (text,) = opening(Harvest(soft), {"diamond": crystal}, TOPICS)
    assert "ML(DFT_EF) and ΔML(HF), none of which has learned, are within 0.8 % of the frozen phonons" in text
    assert "At Γ the optical mode of ML(DFT_E), which has not learned, is imaginary (down to -500 cm^-1)" in text
    rows = {row["model"]: row for row in records(soft.table("frozen")) if row["model"]}
    assert rows["dft_e"]["worst_off_percent"] is None
    assert rows["dft_ef"]["worst_off_percent"] == pytest.approx(100 * 14 / 1700)
    (note,) = [one for one in FROZEN.notes(soft.table("frozen")) if "unstable: ML(DFT_E)" in one]
    assert note.endswith("its optical mode at Γ is imaginary itself")


@pytest.mark.parametrize(("asked", "said"), [(True, "no phonons yet"), (False, "no model is asked for")])
def test_a_level_without_models_says_whether_any_is_asked_for(labelled: Campaign, crystal: Crystal, asked: bool, said: str) -> None:
    """A level that another stands for was said to have no model yet, and none had ever been asked for."""
    bare = replace(labelled)
    bare.__dict__["_phonons"] = [one for one in labelled.phonons() if one.work.model != "delta_hf"]
    bare.__dict__["_frequencies"] = bare.__dict__["_phonons"]
    if not asked:
        work = {key: one for key, one in labelled.plan.work.items() if one.model != "delta_hf"}
        bare.__dict__["plan"] = replace(labelled.plan, work=work)
    made = frozen_figure(FrozenSource(Harvest(bare), crystal))
    assert made is not None
    assert f"HF: {said}." in made.caption
    assert f"HF: {said}" in [one.get_text() for one in draw_frozen(made).axes[0].get_yticklabels()]


def test_its_plot_has_the_same_values(frozen: FrozenFigure) -> None:
    """A dot for each seed, in the row of its model, and a line through the rows of a level at its frozen phonon."""
    document = frozen_plot(frozen).document()
    assert accepted(document) == len(document["data"]) > 2
    dots = [one["x"][0] for one in document["data"] if one.get("marker", {}).get("symbol", "").startswith("circle")]
    assert dots == [value for level in frozen.levels for one in level.models for value in one.values_cm1]
    lines = {one["name"]: set(one["x"]) for one in document["data"] if one["mode"] == "lines+markers"}
    assert lines == {level.title: {level.frozen_cm1} for level in frozen.levels if level.models}
