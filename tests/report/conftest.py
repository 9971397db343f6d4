"""One report of the toy world, written once, and the figures of a campaign that labels its own structures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import labelling_world
import pytest
import report_world

from campaign.report.crystal import Crystal
from campaign.report.harvest import Harvest
from campaign.report.topics.frozen.gather import frozen_figure
from campaign.report.topics.frozen.payload import FrozenFigure
from campaign.report.topics.frozen.source import FrozenSource
from campaign.report.topics.sampling.gather import sampling_figure
from campaign.report.topics.sampling.payload import SamplingFigure
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


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    return labelling_world.campaign(tmp_path_factory.mktemp("labelled"))


@pytest.fixture(scope="session")
def grown(labelled: Campaign) -> Harvest:
    return Harvest(labelled)


@pytest.fixture(scope="session")
def crystal(labelled: Campaign) -> Crystal:
    return Crystal("diamond", labelled.spec.systems["diamond"])


@pytest.fixture(scope="session")
def frozen(grown: Harvest, crystal: Crystal) -> FrozenFigure:
    made = frozen_figure(FrozenSource(grown, crystal))
    assert made is not None
    return made


@pytest.fixture(scope="session")
def sampled(grown: Harvest, crystal: Crystal) -> SamplingFigure:
    made = sampling_figure(grown, crystal)
    assert made is not None
    return made


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium on the PATH: apt install chromium")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()
