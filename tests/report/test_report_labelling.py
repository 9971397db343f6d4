"""Campaigns that label their own structures: frozen phonons, what was drawn, and the words of the page."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import labelling_world
import numpy as np
import pytest
from pydantic import TypeAdapter

from campaign.report.crystal import Crystal
from campaign.report.dispersion.payload import AnyFigure
from campaign.report.harvest import Harvest
from campaign.report.ink import save
from campaign.report.opening import lead
from campaign.report.page import page
from campaign.report.topics.frozen.gather import FrozenSource, frozen_figure
from campaign.report.topics.frozen.ink import draw_frozen
from campaign.report.topics.frozen.payload import FrozenFigure, SamplingFigure
from campaign.report.topics.sampling.caption import _sweep
from campaign.report.topics.sampling.gather import sampling_figure
from campaign.results import Campaign
from campaign.results.tables.frozen import optical_cm1
from campaign.spec import Gap
from campaign.spec.labelling import SweepSpec

LINE = tuple(value * labelling_world.FROZEN["hf"] / labelling_world.FROZEN["dft"] for value in (1704.0, 1714.0))
"""Energies of hf are those of dft times the square of this ratio of frequencies, so the line scales ML(DFT_EF) by it."""


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return labelling_world.campaign(tmp_path_factory.mktemp("labelled"))


@pytest.fixture(scope="module")
def grown(labelled: Campaign) -> Harvest:
    return Harvest(labelled)


@pytest.fixture(scope="module")
def crystal(labelled: Campaign) -> Crystal:
    return Crystal("diamond", labelled.spec.systems["diamond"])


@pytest.fixture(scope="module")
def frozen(grown: Harvest, crystal: Crystal) -> FrozenFigure:
    made = frozen_figure(FrozenSource(grown, crystal))
    assert made is not None
    return made


@pytest.fixture(scope="module")
def sampled(grown: Harvest, crystal: Crystal) -> SamplingFigure:
    made = sampling_figure(grown, crystal)
    assert made is not None
    return made


@pytest.fixture(scope="module")
def text(grown: Harvest, crystal: Crystal, frozen: FrozenFigure, sampled: SamplingFigure) -> str:
    return page(grown, {"diamond": crystal}, (sampled, frozen))


@pytest.fixture(scope="module")
def shown(text: str) -> str:
    """What a reader reads."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text.replace("</td>", " "))).split())


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


def test_drawn_structures_stand_by_their_stratum(sampled: SamplingFigure, labelled: Campaign) -> None:
    assert [one.title for one in sampled.strata] == ["rattled, 0.03 Å", "rattled, 0.05 Å", "rattled, 0.07 Å"]
    assert [len(one.structures) for one in sampled.strata] == [3, 3, 3]
    assert {one.structure_key for stratum in sampled.strata for one in stratum.structures} == set(
        labelling_world.drawn(labelled)
    )
    means = [np.mean([one.rms_displacement_A for one in stratum.structures]) for stratum in sampled.strata]
    # three directions, and a centre of mass that rests
    assert np.allclose(means, np.sqrt(3 * 7 / 8) * np.array([0.03, 0.05, 0.07]), rtol=0.25)


def test_subsets_and_failures_are_those_of_the_levels(sampled: SamplingFigure, labelled: Campaign) -> None:
    gone = labelling_world.lost(labelled)
    assert [(one.title, len(one.structures), one.failed) for one in sampled.sets] == [
        ("DFT", 9, ()),
        ("HF, CCSD(T)", 6, (gone,)),
    ]
    assert "1 of 6 labels of HF failed and are set aside: diverged: the loss is nan." in sampled.caption
    assert "HF, CCSD(T): a random subset, 6 structures, 1 of which failed (hollow)." in sampled.caption
    assert "9 structures at DFT; 5 of 6 structures (1 failed and set aside) at HF and CCSD(T)" in sampled.methods
    assert "0.03, 0.05 and 0.07 Å along each axis, in turns, seed 1" in sampled.caption


def test_energies_are_above_the_lowest_of_each_level(sampled: SamplingFigure) -> None:
    found = {one.level: one for one in sampled.energies}
    assert {level: len(one.energies_meV_atom) for level, one in found.items()} == {"dft": 9, "hf": 5, "ccsd(t)": 5}
    for one in found.values():
        square = np.array(one.rms_displacements_A) ** 2
        rise = np.array(one.energies_meV_atom)
        assert min(rise) == 0
        slope = rise[square > square.min()] / (square[square > square.min()] - square.min())
        assert np.allclose(slope, slope[0], rtol=1e-3)


def test_a_sweep_is_told_by_its_temperatures() -> None:
    sweep = SweepSpec(level="dft", temperatures_K=(100, 300), steps=60, every=10, discard=20)
    assert _sweep(sweep, 8).startswith("MD: 8 frames of a Langevin sweep through 100 and 300 K, moved by the engine at DFT")
    assert _sweep(sweep, 0).endswith("It has not run yet.")


@pytest.mark.parametrize("name", ["frozen", "sampled"])
def test_figures_are_written_and_read_back(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    made = request.getfixturevalue(name)
    png, pdf, numbers = save(made, tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert TypeAdapter(AnyFigure).validate_json(numbers.read_bytes()) == made


def test_the_page_begins_with_what_came_out(shown: str) -> None:
    lead = shown[: shown.index("Summary")]
    for what in (
        "DFT by pyscf (9 structures); HF and CCSD(T) by pyscf (5 structures)",
        "ML(DFTE,F) 1704…1714; ML(DFTE) 900…910 (not learned); ΔML(HF) 1845…1855 (a straight line in EDFT: 1854…1865); "
        "experiment 1332.5 (as measured, the others harmonic; the labels' minimal basis, gth-szv, at Γ alone is tens of",
        "ML(DFTE,F) and ΔML(HF), models that have learned, are within 0.8 % of the frozen phonons",
        "ΔML(HF) within 0.3 % (a straight line in EDFT alone: within 0.8 %).",
        "Not all is done",
    ):
        assert what in lead, what


def test_the_check_stands_before_other_figures_and_these_before_tables(text: str) -> None:
    ids = ["check", "frozen_diamond", "table-frozen", "figures", "sampling_diamond", "table-points", "labels"]
    places = [text.index(f'id="{one}"') for one in ids]
    assert places == sorted(places)
    assert re.findall(r"Figure (\d)\. (\w+)", text) == [("1", "Check"), ("2", "What")]


def test_the_table_has_each_model_beside_its_level(shown: str) -> None:
    for row in (
        "diamond DFT 1700.0 ML(DFTE,F) full 2 1704.0…1714.0 +14.0 +0.8",
        "diamond DFT 1700.0 ML(DFTE), not learned full 2 900.0…910.0 -800.0 -47.1",
        f"diamond HF 1850.0 ΔML(HF) full 2 1845.0…1855.0 -5.0 -0.3 {LINE[0]:.1f}…{LINE[1]:.1f} +0.8",
        "diamond full Γ ΔML(HF) 2/2 0 ×3, 1845…1855 ×3 0 ×3, 1854…1865 ×3",
    ):
        assert row in shown, row


def test_the_page_has_words_for_labels_and_phonons_of_levels(shown: str, labelled: Campaign) -> None:
    gone = labelling_world.lost(labelled)
    for what in (
        "levels DFT by pyscf, HF by pyscf, CCSD(T) by pyscf",
        "label DFT, HF and CCSD(T) of diamond by pyscf: 3 structures (to do), 1 label (failed)",
        "phonons ΔML(CCSD(T)) of diamond, full: seed 1 (to do), 2 (to do)",
        f"diamond HF structure {gone[:12]} diverged: the loss is nan",
        'labels of DFT, HF and CCSD(T) by pyscf, diamond{"kind": "pyscf"',
        'structures to label, diamond{"rattles": {"count": 9',
        "phonons of DFT itself, diamond",
        "diamond Γ DFT itself · ",
    ):
        assert what in shown, what
    assert "None" not in shown.replace("None: the labels allow", "").replace("None.", "")


def test_phonons_of_a_level_may_be_a_gap(labelled: Campaign, crystal: Crystal) -> None:
    gap = Gap("diamond", "dft", "1 of 2 displaced supercells failed: its own phonons are not to be had")
    lacking = replace(labelled)
    lacking.__dict__["plan"] = replace(labelled.plan, gaps=(gap,))
    made = frozen_figure(FrozenSource(Harvest(lacking), crystal))
    assert made is not None
    assert f"DFT itself ({gap.why})" in made.caption
    assert f"DFT itself</td><td>{gap.why}" in page(Harvest(lacking), {"diamond": crystal}, (made,))


def test_the_line_is_drawn_and_told_beside_its_sum(frozen: FrozenFigure) -> None:
    models = {one.model: one for level in frozen.levels for one in level.models}
    assert models["delta_hf"].line_cm1 == pytest.approx(LINE)
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
    assert ticks == pytest.approx([*LINE, *(value - 1850 for value in LINE)], abs=1e-3)


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
            "engine itself has for their levels; ΔML(HF) within 0.3 % (a straight line in E_DFT alone: within 0.8 %).",
        ),
    ],
)
def test_the_page_names_whom_it_counts(
    labelled: Campaign, crystal: Crystal, learned: set[str], said: str
) -> None:
    (text,) = lead(Harvest(opened(labelled, learned.__contains__)), {"diamond": crystal})
    assert said in text
