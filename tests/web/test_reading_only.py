"""With a user who may only read: tables, status and pages are there, and nothing can be changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browsers import Browser, served
from pymongo.errors import OperationFailure
from reading_mongodb import ROLE, reading_mongodb
from typer.testing import CliRunner

from campaign.cli import app as command_line
from campaign.records.campaigns import holds
from campaign.results import connect_all
from launchers.database import ladder
from launchers.farm import Farm


@pytest.fixture
def reader(farm: Farm, toy: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The campaign, in a database that can only be read from now on."""
    assert farm
    with reading_mongodb(ladder.running().uri) as uri:
        monkeypatch.setenv("LATTICEFARM_MONGO_URI", uri)
        yield toy


def test_what_reads_works(reader: str) -> None:
    every = connect_all()
    assert every.table("labels")["campaign"].unique().tolist() == [reader]
    assert every.table("phonons").empty
    shown = CliRunner().invoke(command_line, ["status", reader])
    assert shown.exit_code == 0, shown.output


def test_the_pages_are_shown_and_steer_nothing(reader: str, farm: Farm) -> None:
    browser = Browser(served(Farm.open(ladder.running())).test_client())
    browser.log_in()
    assert f"Campaign {reader}" in browser.page(f"/campaigns/{reader}")
    answer = browser.send(f"/campaigns/{reader}/steer", f"/campaigns/{reader}", act="pause")
    assert answer.status_code == 403
    assert "may only read" in answer.text
    assert holds(farm, reader) == []


def test_who_may_write_and_make_no_index_is_refused(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the unique indexes of `prepare` two could do the same work."""
    assert farm
    writes = [{**ROLE[0], "actions": [*ROLE[0]["actions"], "insert"]}]
    with reading_mongodb(ladder.running().uri, role=writes) as uri:
        monkeypatch.setenv("LATTICEFARM_MONGO_URI", uri)
        with pytest.raises(OperationFailure, match="not authorized"):
            Farm.open(ladder.running())
