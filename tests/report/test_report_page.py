"""The report as written: every figure in three files, and one page that needs nothing but its folder."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import report_world
import typer
from typer.testing import CliRunner

from campaign.cli import connect, report_commands
from campaign.report.topics.bands.payload import BandsFigure
from campaign.report.topics.errors.payload import ErrorsFigure
from campaign.report.topics.seeds.payload import SeedsFigure
from campaign.report.topics.zone.payload import ZoneFigure
from campaign.report.typeset import typeset
from campaign.report.write import Report, write_report
from campaign.results import Campaign, open_campaign

Written = tuple[Report, Path]
VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """Links and images of a page; every element must be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.targets: list[str] = []
        self.alternatives: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        given = dict(attrs)
        self.targets += [given[name] for name in ("href", "src") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        if tag == "img":
            self.alternatives.append(given["alt"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text(written: Written) -> str:
    return written[0].index.read_text()


def plain(text: str) -> str:
    """What a reader reads."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text)).split())


def test_every_figure_is_written_thrice(written: Written) -> None:
    report, folder = written
    kinds = [type(figure) for figure in report.figures]
    assert [kinds.count(one) for one in (BandsFigure, SeedsFigure, ZoneFigure, ErrorsFigure)] == [3, 3, 2, 2]
    for figure in report.figures:
        png, pdf = (
            (folder / "figures" / f"{figure.name}.{suffix}").read_bytes() for suffix in ("png", "pdf")
        )
        assert png.startswith(b"\x89PNG")
        assert pdf.startswith(b"%PDF")
        assert min(len(png), len(pdf)) > 5000


def test_numbers_are_read_back_as_they_were(written: Written) -> None:
    report, folder = written
    for figure in report.figures:
        content = (folder / "figures" / f"{figure.name}.json").read_bytes()
        found = type(figure).model_validate_json(content)
        assert found == figure
        assert (found.model_dump_json(indent=1) + "\n").encode() == content
        assert b"NaN" not in content


def test_the_page_parses_and_needs_no_network(written: Written, text: str) -> None:
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    for target in page.targets:
        if target.startswith("#"):
            assert target[1:] in page.ids
        elif target != "data:,":
            assert (written[1] / target).is_file(), target
    assert not re.search(r"(https?:)?//\w|@import|url\(|<script", text)
    pictures = [target for target in page.targets if target.endswith(".png")]
    scaled = re.findall(r'srcset="(\S+) 1400w" sizes="1000px"', text)
    assert set(scaled) == set(pictures)  # all at one scale: letters of a narrow figure are no larger
    assert len(page.alternatives) == len(written[0].figures)
    assert all(len(one) > 40 for one in page.alternatives)


def test_bars_stand_beside_warnings_alone(text: str) -> None:
    """A rule of warnings had slipped into the selectors of headings, tables and links: all of them had its bar."""
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    barred = {rule for rules, body in re.findall(r"([^{}]+)\{([^{}]*)\}", style) if "border-left" in body for rule in rules.split(",")}
    assert {rule.strip() for rule in barred} == {".faulty", ".unsure"}
    assert "h1, h2, h3, nav, table, dl, .kind, .files, .note { font-family" in style


def test_the_page_has_every_figure_and_caption(written: Written, text: str) -> None:
    shown = plain(text)
    for figure in written[0].figures:
        assert figure.heading in shown
        assert typeset(figure.caption) in text
        assert typeset(figure.methods) in text
        assert figure.caption


def test_the_page_names_gaps_failures_and_what_is_not_done(text: str) -> None:
    shown = plain(text)
    assert "no labels of mp2: levels.mp2 names no data and no engine" in shown
    assert "the loss is nan" in shown
    assert "diverged" in shown
    assert "train ML(MP2-DFT) of diamond, half: seed 5192 (failed)" in shown
    assert "phonons ML(DFTE) of diamond, full: seed 5735 (to do)" in shown
    assert "not learned (3 of 3 seeds)" in shown


def test_the_page_has_frequencies_with_their_spread(text: str) -> None:
    rows = [plain(row.replace("</td>", " ")) for row in re.findall(r"<tr.*?</tr>", text)]
    (row,) = [row for row in rows if row.startswith("diamond full Γ ΔML(HF)")]
    optical = report_world.springs("diamond").points_cm1["Γ"][-1]
    assert f"{1.06 * optical:.0f}…{1.012 * 1.06 * optical:.0f} ×3" in row
    assert any(row.startswith("diamond full L† ΔML(CCSD), not learned") for row in rows)
    assert any("Γ: Raman frequency, 300 K 1332.5 experiment Solin" in row for row in rows)
    assert "-0 " not in plain(text)


def test_one_system_of_which_nothing_is_done(tmp_path: Path) -> None:
    farm = report_world.world.farm()
    report_world.prepared(farm, tmp_path, report_world.LIH)
    written = write_report(open_campaign(farm, "toy"), tmp_path / "out")
    assert [figure.name for figure in written.figures] == ["zone_lih"]
    shown = plain(written.index.read_text())
    assert "Nothing is trained yet." in shown
    assert "0 of " in shown


def test_the_same_numbers_give_the_same_bytes(toy: Campaign, written: Written) -> None:
    from campaign.report.crystal import Crystal
    from campaign.report.harvest import Harvest
    from campaign.report.write import drawings

    crystals = {name: Crystal(name, cells) for name, cells in toy.spec.systems.items()}
    again = drawings(Harvest(toy, report_world.direct()), crystals)
    assert [one.payload.model_dump_json() for one in again] == [one.model_dump_json() for one in written[0].figures]


def test_the_command_says_where_the_page_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    farm = report_world.world.farm()
    report_world.prepared(farm, tmp_path, report_world.LIH)
    monkeypatch.setattr(connect, "open_farm", lambda: farm)
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    report_commands.register(app)
    outcome = CliRunner().invoke(app, ["toy"])
    assert outcome.exception is None
    assert "toy-report/index.html" in outcome.stdout
    assert (tmp_path / "toy-report" / "figures" / "zone_lih.png").is_file()


def test_each_seed_stands_beside_its_own_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One reason had stood beside all seeds: that of the first."""
    farm = report_world.world.farm()
    plan = report_world.prepared(farm, tmp_path, report_world.LIH)
    for work in plan.of_stage("train"):
        if work.model == "dft_ef":
            made = report_world.world.trained(farm, work, learned=False)
            reason = "never ends" if work.seed == 5735 else "force RMSE 250 meV/Å"
            report_world.world.store(farm, made.model_copy(update={"verdict": reason}))
    monkeypatch.setattr(connect, "open_farm", lambda: farm)
    app = typer.Typer()
    report_commands.register(app)
    assert CliRunner().invoke(app, ["toy", "--output", str(tmp_path / "out")]).exception is None
    shown = plain((tmp_path / "out" / "index.html").read_text())
    (said,) = re.findall(r"Not learned: ML\(DFTE,F\) of lih, full, (.*?never ends)", shown)
    assert said == "seed 861, 5192: force RMSE 250 meV/Å; seed 5735: never ends"
