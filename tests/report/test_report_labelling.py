"""The page of a campaign that labels its own structures."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import labelling_world
import pytest
import typer
from typer.testing import CliRunner

from campaign.cli import connect, report_commands
from campaign.records.campaigns import keep
from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.ink.files import save
from campaign.report.page import page
from campaign.report.topic import Drawing, Topic
from campaign.report.topics.frozen.gather import frozen_figure
from campaign.report.topics.frozen.payload import FrozenFigure
from campaign.report.topics.frozen.source import FrozenSource
from campaign.report.topics.frozen.topic import Frozen
from campaign.report.topics.sampling.payload import SamplingFigure
from campaign.report.topics.sampling.topic import Sampling
from campaign.results import Campaign
from campaign.spec import Gap


@pytest.fixture(scope="module")
def text(grown: Harvest, crystal: Crystal, frozen: FrozenFigure, sampled: SamplingFigure) -> str:
    return page(grown, {"diamond": crystal}, (Drawing(Sampling(), sampled), Drawing(Frozen(), frozen))).beside()


@pytest.fixture(scope="module")
def shown(text: str) -> str:
    """What a reader reads."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text.replace("</td>", " "))).split())


@pytest.mark.parametrize(("name", "topic"), [("frozen", Frozen()), ("sampled", Sampling())])
def test_figures_are_written_and_read_back(
    name: str, topic: Topic, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made = request.getfixturevalue(name)
    png, pdf, numbers = save(Drawing(topic, made), tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert type(made).model_validate_json(numbers.read_bytes()) == made


def test_the_page_begins_with_what_came_out(shown: str) -> None:
    lead = shown[: shown.index("Summary")]
    for what in (
        "DFT by pyscf (9 structures); HF and CCSD(T) by pyscf (5 structures)",
        "ML(DFTE,F) 1704…1714; ML(DFTE) 900…910 (not learned; unstable: 5 of 48 modes on the mesh are imaginary, the lowest "
        "-33 cm−1 at X); ΔML(HF) 1845…1855 (a straight line in EDFT: 1854…1865); "
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
        f"diamond HF 1850.0 ΔML(HF) full 2 1845.0…1855.0 -5.0 -0.3 {labelling_world.LINE[0]:.1f}…{labelling_world.LINE[1]:.1f} +0.8",
        "diamond full Γ ΔML(HF) 2/2 0 ×3, 1845…1855 ×3 0 ×3, 1854…1865 ×3",
    ):
        assert row in shown, row


def test_the_page_has_words_for_labels_and_phonons_of_levels(shown: str, labelled: Campaign) -> None:
    number = list(labelling_world.drawn(labelled)).index(labelling_world.lost(labelled))
    for what in (
        "levels DFT by pyscf, HF by pyscf, CCSD(T) by pyscf",
        "label DFT, HF and CCSD(T) of diamond by pyscf: 3 labels (to do), 2 labels (failed)",
        "phonons ΔML(CCSD(T)) of diamond, full: seed 1 (to do), 2 (to do)",
        f"diamond HF structure {number} (rattle {(0.03, 0.05, 0.07)[number % 3]} Å, seed 1) diverged: the loss is nan",
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
    assert f"DFT itself</td><td>{gap.why}" in page(Harvest(lacking), {"diamond": crystal}, (Drawing(Frozen(), made),)).beside()


def test_a_system_that_lacks_a_level_of_another(labelled: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frozen phonons of one were looked for among the levels of the other, and there was no page at all."""
    diamond = labelled.spec.systems["diamond"]
    bare = diamond.model_copy(update={"levels": {"dft": diamond.levels["dft"]}, "frozen_phonon": None})
    both = labelled.spec.model_copy(update={"campaign": "both", "systems": {"bare": bare, "diamond": diamond}})
    keep(labelled.farm, both)
    monkeypatch.setattr(connect, "open_farm", lambda: labelled.farm)
    app = typer.Typer()
    report_commands.register(app)
    outcome = CliRunner().invoke(app, ["both", "--output", str(tmp_path / "out")])
    assert outcome.exception is None
    assert [one.name for one in (tmp_path / "out" / "figures").glob("frozen_*.png")] == ["frozen_diamond.png"]
