"""One report of the toy world, written once."""

from __future__ import annotations

from pathlib import Path

import pytest
import report_world

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.write import Report, write_report
from campaign.results import Campaign


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return report_world.campaign(tmp_path_factory.mktemp("labels"))


@pytest.fixture(scope="session")
def harvest(toy: Campaign) -> Harvest:
    return Harvest(toy, report_world.direct())


@pytest.fixture(scope="session")
def diamond(toy: Campaign) -> Crystal:
    return Crystal("diamond", toy.spec.systems["diamond"])


@pytest.fixture(scope="session")
def written(toy: Campaign, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    """The report, with phonons of `dft` itself, and its folder."""
    folder = tmp_path_factory.mktemp("report")
    return write_report(toy, folder, report_world.direct()), folder
