"""One row a system: against the tables of the same campaign, and for all campaigns of a database."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from campaign.cli import connect, report_commands
from campaign.report.harvest import Harvest
from campaign.report.overview.page import write_overview
from campaign.report.overview.rows import SystemRow, system_rows
from campaign.report.overview.table import overview_table
from campaign.results import Campaign


@pytest.fixture(scope="module")
def rows(toy: Campaign) -> dict[str, SystemRow]:
    return {row.system: row for row in system_rows(Harvest(toy))}


def test_frequencies_are_those_of_the_table_of_phonons(rows: dict[str, SystemRow], toy: Campaign) -> None:
    table = toy.table("points")
    assert list(rows) == ["diamond", "lih"]
    for row in rows.values():
        assert row.size == "full"
        for level, found in row.levels.items():
            model = "dft_ef" if level == "dft" else f"delta_{level}"
            own = table[(table.system == row.system) & (table["size"] == "full") & (table.model == model)]
            assert list(found.points_cm1) == ["Γ", "X", "L"]
            for point in ("X", "L"):
                highest = own[own.point == point].groupby("seed").frequency_cm1.max()
                assert found.points_cm1[point] == pytest.approx((highest.min(), highest.max()))
            optical = own[(own.point == "Γ") & own.gamma_optical].groupby("seed").frequency_cm1.min()
            assert found.points_cm1["Γ"] == pytest.approx((optical.min(), optical.max()))


def test_verdicts_and_gaps_are_said(rows: dict[str, SystemRow]) -> None:
    diamond, lih = (rows[name] for name in ("diamond", "lih"))
    assert {level for level, one in diamond.levels.items() if not one.learned} == {"ccsd"}
    assert list(lih.levels) == ["dft", "hf"]
    assert diamond.failed == 1
    assert diamond.done < diamond.asked
    made = overview_table([diamond, lih])
    cells = dict(zip(made.head, made.rows[0], strict=True))
    assert cells["learned"] == "DFT, HF, MP2, CCSD(T); not CCSD"
    assert cells["done"] == f"{diamond.done}/{diamond.asked}, 1 failed"
    assert cells["DFT Γ"] == "1308"
    assert re.fullmatch(r"\(\d{4}\)", cells["CCSD Γ"])
    assert (cells["formula"], made.rows[1][1]) == ("C", "LiH")
    assert dict(zip(made.head, made.rows[1], strict=True))["CCSD Γ"] == "·"


def test_the_cost_is_that_of_the_records(rows: dict[str, SystemRow], toy: Campaign) -> None:
    every = [*toy.trainings(), *toy.phonons()]
    known = sum(one.record.wall_time_s for one in every if one.work.system == "lih")
    assert rows["lih"].seconds == pytest.approx(known)
    assert known > 0


def test_all_campaigns_of_a_database_are_one_page(toy: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, systems = write_overview(toy.farm, tmp_path)
    assert systems == 2
    text = path.read_text()
    assert re.findall(r"<tr(?: class=\"lost\")?><td>(\w+)</td>", text) == ["diamond", "lih"]
    assert not re.search(r"https?://|@import|url\(", text)
    monkeypatch.setattr(connect, "open_farm", lambda: toy.farm)
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    report_commands.register(app)
    outcome = CliRunner().invoke(app, ["--all"])
    assert outcome.exception is None
    assert "2 systems of all campaigns: campaigns-report/overview.html" in outcome.stdout
    assert (tmp_path / "campaigns-report" / "overview.html").is_file()


@pytest.mark.parametrize("given", [[], ["toy", "--all"]])
def test_a_campaign_or_all_of_them(given: list[str]) -> None:
    app = typer.Typer()
    report_commands.register(app)
    assert "name a campaign, or give --all" in str(CliRunner().invoke(app, given).exception)


def test_a_campaign_that_cannot_be_read_is_named(toy: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from campaign.report.overview import page

    def broken(farm: object, name: str) -> Campaign:  # noqa: ARG001
        raise ValueError("systems: Field required")

    monkeypatch.setattr(page, "open_campaign", broken)
    path, systems = write_overview(toy.farm, tmp_path)
    assert systems == 0
    assert "toy cannot be read: systems: Field required" in path.read_text()
    assert "No system yet." in path.read_text()


def test_a_lattice_without_x_names_its_points(rows: dict[str, SystemRow]) -> None:
    from dataclasses import replace

    one = rows["diamond"].levels["dft"]
    hexagonal = replace(rows["diamond"], levels={"dft": replace(one, points_cm1={"Γ": (10.0, 10.0), "M": (19.0, 21.0)})})
    made = overview_table([hexagonal])
    cells = dict(zip(made.head, made.rows[0], strict=True))
    assert (cells["DFT Γ"], cells["DFT X"], cells["DFT L"]) == ("10", "M 20", "·")


def test_it_stands_on_the_page_of_several_systems(written: tuple) -> None:
    text = written[0].index.read_text()
    assert '<a href="#overview">All systems</a>' in text
    assert 'id="table-overview"' in text


def test_campaigns_are_named_where_there_are_several(rows: dict[str, SystemRow]) -> None:
    from dataclasses import replace

    assert "campaign" not in overview_table(list(rows.values())).head
    several = [rows["diamond"], replace(rows["lih"], campaign="other")]
    made = overview_table(several)
    assert [row[:2] for row in made.rows] == [("toy", "diamond"), ("other", "lih")]
