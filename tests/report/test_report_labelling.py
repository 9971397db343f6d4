"""Campaigns that label their own structures: frozen phonons, what was drawn, and the words of the page."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import labelling_world
import numpy as np
import pytest
from pydantic import TypeAdapter

from campaign.report.figures import save
from campaign.report.figures.frozen import draw_frozen
from campaign.report.frozen import FrozenSource, frozen_figure
from campaign.report.labelling_payloads import FrozenFigure, SamplingFigure
from campaign.report.lead import lead
from campaign.report.page import page
from campaign.report.payloads import AnyFigure
from campaign.report.place import Crystal
from campaign.report.sampling import sampling_figure
from campaign.report.sampling_caption import _sweep
from campaign.report.seeds import Harvest
from campaign.results import Campaign
from campaign.results.tables.frozen import optical_cm1
from campaign.spec import Gap
from campaign.spec.labelling import SweepSpec


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


def test_what_has_not_learned_does_not_decide_what_is_shown(frozen: FrozenFigure) -> None:
    reach = 2 * 1.15 * 14  # ML(DFT_EF) of seed 2 is 14 cm^-1 off
    assert frozen.off_cm1 == pytest.approx((-reach, reach), rel=1e-3)
    assert frozen.clipped == ("ML(DFT_E)",)
    markers = [line.get_marker() for line in draw_frozen(frozen).axes[1].lines]
    assert markers.count("<") == 2


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
    assert optical_cm1(soft) == -400
    polar = record.model_copy(update={"points_cm1": {"Γ": (-0.1, 0.0, 0.1, 625.0, 625.0, 1079.0)}})
    assert optical_cm1(polar) == 625


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
        "ML(DFTE,F) 1704…1714; ML(DFTE) 900…910 (not learned); ΔML(HF) 1845…1855; experiment 1332.5",
        "within 0.8 % of the frozen phonon",
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
        "diamond HF 1850.0 ΔML(HF) full 2 1845.0…1855.0 ",
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


def test_where_nothing_has_learned_the_page_says_so(labelled: Campaign, crystal: Crystal) -> None:
    lost = replace(labelled)
    lost.__dict__["_phonons"] = [
        replace(one, record=one.record.model_copy(update={"learned": False})) for one in labelled.phonons()
    ]
    (text,) = lead(Harvest(lost), {"diamond": crystal})
    assert "No model has learned; all are within 47.1 % of the frozen phonon" in text
