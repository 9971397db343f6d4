"""Tables as a terminal, CSV and JSON show them, and the commands that print and write results."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import results_world as world
import typer
from rich.console import Console
from typer.testing import CliRunner

from campaign.cli import connect, results_commands
from campaign.cli.errors import UsageError
from campaign.results import TABLES, Campaign, UnknownCampaign, UnknownTable, open_campaign
from campaign.results.columns import Column, Table
from campaign.results.render import cell, csv_text, for_terminal, records
from campaign.results.tables.phonons import interval
from launchers.farm import Farm


@pytest.fixture(scope="module")
def farm(tmp_path_factory) -> Farm:
    folder = tmp_path_factory.mktemp("toy")
    world.write_labels(folder)
    made = world.farm()
    world.everything(made, world.enter(made, world.load(folder)))
    return made


@pytest.fixture(scope="module")
def toy(farm: Farm) -> Campaign:
    return open_campaign(farm, "toy")


@pytest.fixture
def command(farm: Farm, monkeypatch: pytest.MonkeyPatch):
    """Run one command, its errors raised."""
    monkeypatch.setattr(connect, "open_farm", lambda: farm)
    app = typer.Typer()
    results_commands.register(app)

    def run(*arguments: str) -> str:
        outcome = CliRunner().invoke(app, list(arguments))
        if outcome.exception is not None:
            raise outcome.exception
        return outcome.stdout

    return run


def text(table: Table, campaign: Campaign, width: int = 120) -> str:
    console = Console(width=width, file=io.StringIO(), highlight=False)
    for part in for_terminal(table, campaign.table(table.name)):
        console.print(part)
    return console.file.getvalue()


@pytest.mark.parametrize("name", TABLES)
def test_tables_fit_into_120_columns(name: str, toy: Campaign) -> None:
    shown = text(TABLES[name], toy)
    assert max(map(len, shown.splitlines())) <= 120
    if name != "failures" and not toy.table(name).empty:
        heads = {word for column in TABLES[name].shown for word in (column.header or "").split()}
        assert heads <= set(shown.split()), "a header was cut"


def test_a_terminal_says_what_has_not_learned(toy: Campaign) -> None:
    shown = text(TABLES["phonons"], toy)
    assert "ΔML(HF), not learned" in shown
    assert "its spread says nothing about its error" in " ".join(shown.split())
    assert "1300…1310×3" in shown
    assert "ML(HF-DFT), not" in text(TABLES["training"], toy)


def test_an_empty_table_says_so(toy: Campaign) -> None:
    assert text(TABLES["failures"], toy).startswith("failures: nothing yet")


def test_csv_and_json_have_every_column_and_no_nan(toy: Campaign) -> None:
    for name, table in TABLES.items():
        frame = toy.table(name)
        names = [column.name for column in table.columns]
        assert next(csv.reader(io.StringIO(csv_text(frame)))) == names
        rows = json.loads(json.dumps(records(frame), allow_nan=False))
        assert len(rows) == len(frame)
        assert all(list(row) == names for row in rows)


def test_missing_numbers_are_null_and_counts_stay_whole(toy: Campaign) -> None:
    (row, *_) = [row for row in records(toy.table("training")) if row["model"] == "delta_hf"]
    assert row["best_epoch"] is None
    assert row["test_energy_meV_atom"] is None
    assert type(row["train_count"]) is int
    assert row["learned"] is True


def test_a_value_without_a_column_is_a_mistake(toy: Campaign) -> None:
    table = Table("x", "", (Column("a"),), lambda _: [{"a": "1", "b": 2}])
    with pytest.raises(KeyError, match="no column for b"):
        table.frame(toy)


def test_results_prints_a_table_csv_or_json(command) -> None:
    assert "ML(DFT_EF)" in command("results", "toy", "phonons")
    assert "next: latticefarm results toy phonons --csv" in command("results", "toy", "phonons")
    assert "next: latticefarm status toy" in command("results", "toy", "failures")
    assert command("results", "toy", "gaps", "--csv").splitlines()[0] == "system,model,title,why"
    assert json.loads(command("results", "toy", "gaps", "--json"))[0]["model"] == "mp2-dft"
    with pytest.raises(UsageError, match="exclude each other"):
        command("results", "toy", "gaps", "--csv", "--json")
    with pytest.raises(UnknownTable, match="did you mean labels"):
        command("results", "toy", "label")
    with pytest.raises(UnknownCampaign, match="did you mean toy"):
        command("results", "tox", "labels")


def test_export_writes_files_and_what_they_are(command, tmp_path: Path) -> None:
    shown = command("export", "toy", "models", str(tmp_path), "--model", "hf-dft")
    assert "6 files" in shown
    assert "2 of them are of models that have not learned" in shown
    alone = command("export", "toy", "models", str(tmp_path), "--model", "hf-dft", "--seed", "1", "--size", "few")
    assert alone.startswith("1 file and its index.json")
    again = command("export", "toy", "phonons", str(tmp_path), "--seed", "1", "--size", "few", "--json")
    assert {entry["file"] for entry in json.loads(again)} == {
        "carbon_dft_ef_few_1.phonopy.yaml",
        "carbon_delta_hf_few_1.phonopy.yaml",
    }
    index = {entry["file"]: entry for entry in json.loads((tmp_path / "index.json").read_text())}
    assert set(index) == {path.name for path in tmp_path.iterdir()} - {"index.json"}
    assert index["carbon_hf-dft_few_1.model"]["learned"] is False
    assert index["carbon_hf-dft_full_1.model"]["title"] == "ML(HF-DFT)"


def test_a_sum_is_exported_as_its_parts(command, tmp_path: Path) -> None:
    shown = command("export", "toy", "models", str(tmp_path), "--model", "delta_hf", "--size", "half", "--seed", "2")
    parts = ["carbon_dft_ef_half_2.model", "carbon_hf-dft_half_2.model"]
    assert f"ΔML(HF) is {' + '.join(parts)}" in " ".join(shown.split())
    index = json.loads((tmp_path / "index.json").read_text())
    assert [entry["sums"] for entry in index] == [{"ΔML(HF)": parts}] * 2
    names = {path.name for path in tmp_path.glob("*.model")}
    assert names == {"carbon_dft_ef_half_2.model", "carbon_hf-dft_half_2.model"}


def test_nothing_to_export_is_said(command, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no models of model hf-df; did you mean hf-dft\?"):
        command("export", "toy", "models", str(tmp_path), "--model", "hf-df")


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert cell(Column("off", "float", digits=1), {"off": -0.04}) == "0.0"
    assert interval(-0.2, 0.3) == "0"
