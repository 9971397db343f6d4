"""The page in one file: its numbers against tables and records, and what it holds, without a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from known_to_plotly import AS_PICTURES, accepted

from campaign.report.crystal import Crystal
from campaign.report.dispersion.source import DispersionSource
from campaign.report.harvest import Harvest
from campaign.report.modes import gather
from campaign.report.modes.gather import modes_of
from campaign.report.screen import alone as screen
from campaign.report.screen.alone import MOST_BYTES, alone
from campaign.report.topics.bands.payload import BandsFigure
from campaign.report.topics.errors.payload import ErrorsFigure
from campaign.report.topics.seeds.payload import SeedsFigure
from campaign.report.write import Report, drawings
from campaign.results import Campaign

pytestmark = pytest.mark.slow  # a report of its own

Written = tuple[Report, Path]
DATA = re.compile(r'<script type="application/json" id="data-([\w-]+)">(.*?)</script>', re.DOTALL)


@pytest.fixture(scope="module")
def text(written: Written) -> str:
    return written[0].interactive.read_text()


@pytest.fixture(scope="module")
def documents(text: str) -> dict[str, Any]:
    return {name: json.loads(body) for name, body in DATA.findall(text)}


def of(document: dict[str, Any], name: str, **more: Any) -> list[dict[str, Any]]:
    """Traces of that name."""
    return [one for one in document["data"] if one["name"] == name and all(one.get(key) == value for key, value in more.items())]


def test_one_file_that_a_mail_takes(written: Written, text: str) -> None:
    assert written[0].interactive.stat().st_size < MOST_BYTES
    assert [path.name for path in sorted(written[1].iterdir())] == ["figures", "index.html", "interactive.html"]
    assert 'href="interactive.html"' in written[0].index.read_text()
    for target in re.findall(r'(?:src|href)="([^"]*)"', DATA.sub("", _ours(text))):
        assert target.startswith(("#", "data:")), target


def _ours(text: str) -> str:
    """Without plotly's own code, which names addresses that it asks for maps alone."""
    from plotly.offline import get_plotlyjs

    assert get_plotlyjs() in text
    return text.replace(get_plotlyjs(), "")


def test_it_names_no_address(text: str) -> None:
    assert not re.search(r"https?://|@import|url\(", _ours(text))
    assert "default-src 'none'" in text


def test_every_figure_is_there_as_a_picture_and_most_as_plots(written: Written, text: str, documents: dict) -> None:
    """Pictures are what is printed."""
    for figure in written[0].figures:
        body = re.search(rf'<figure id="{figure.name}">(.*?)</figure>', text, re.DOTALL)
        assert body is not None
        assert '<img class="' in body[1]
        assert (f'data-plot="{figure.name}"' in body[1]) == (figure.kind not in AS_PICTURES)
        assert (figure.name in documents) == (figure.kind not in AS_PICTURES)


def test_plotly_knows_all_that_is_said(documents: dict) -> None:
    plots = [one for one in documents.values() if "data" in one]
    assert len(plots) > 8
    for one in plots:
        assert accepted(one) == len(one["data"])


def test_bands_are_those_of_the_payload_and_of_the_table(written: Written, documents: dict, toy: Campaign) -> None:
    points = toy.table("points")
    for figure in (one for one in written[0].figures if isinstance(one, BandsFigure)):
        document = documents[figure.name]
        for area in (area for panel in figure.panels for area in panel.areas):
            name = area.name.replace("_EF", "<sub>E,F</sub>").replace("_E)", "<sub>E</sub>)")
            high, low = (one for one in of(document, name) if "path" in one["meta"])
            expected = [value for block in area.high_cm1 for band in zip(*block, strict=True) for value in (*band, None)]
            assert high["y"] == expected == low["customdata"]
            rows = points[(points.system == figure.system) & (points["size"] == figure.size) & (points.model == area.model) & (points.point == "Γ")]
            last = rows[rows.band == rows.band.max()].frequency_cm1
            count, bands = high["meta"]["path"]["counts"][0] + 1, high["meta"]["path"]["bands"]
            first = (bands - 1) * count  # of the highest band, at Γ
            assert high["y"][first] == pytest.approx(last.max(), abs=1e-3)
            assert low["y"][first] == pytest.approx(last.min(), abs=1e-3)


def test_seeds_and_errors_are_those_of_the_payload(written: Written, documents: dict) -> None:
    for figure in written[0].figures:
        if isinstance(figure, ErrorsFigure):
            shown = sorted(one["x"][0] for one in documents[figure.name]["data"])
            assert shown == sorted(value for panel in figure.panels for bar in panel.bars for value in bar.values_meV_atom)
        if isinstance(figure, SeedsFigure):
            lines = [line for panel in figure.panels for line in panel.lines if line.seed is not None]
            drawn = [one for one in documents[figure.name]["data"] if "path" in one["meta"]]
            assert [one["y"][:15] for one in drawn] == [[row[0] for row in line.frequencies_cm1[0]] for line in lines]
            assert {switch["group"] for switch in documents[figure.name]["switches"]} >= {"Models", "Seeds"}


def test_modes_have_the_frequencies_of_the_records(documents: dict, toy: Campaign) -> None:
    """At the named points, those of the table; of the seed and model whose springs are the stored force constants."""
    modes, points = documents["modes_diamond_full"], toy.table("points")
    rows = points[(points.system == "diamond") & (points["size"] == "full") & (points.model == "dft_ef") & (points.seed == 861)]
    (own,) = [one for one in modes["models"] if one["model"] == "dft_ef"]
    assert own["seed"] == 861
    named = {stop["label"]: number for number, stop in enumerate(modes["stops"]) if stop["label"]}
    assert list(named) == ["Γ", "X", "K", "L"]
    for label, number in named.items():
        assert own["frequencies_cm1"][number] == pytest.approx(list(rows[rows.point == label].frequency_cm1), abs=1e-3)


@pytest.mark.parametrize(("system", "ratio"), [("diamond", 1.0), ("lih", 1.008 / 6.94)])
def test_the_optical_mode_at_gamma_is_the_sublattices_against_each_other(documents: dict, system: str, ratio: float) -> None:
    """As the file has them: thousandths of the longest; heavy atoms move by as much less as they are heavier."""
    modes = documents[f"modes_{system}_full"]
    gamma = next(number for number, stop in enumerate(modes["stops"]) if stop["label"] == "Γ")
    for optical in modes["models"][0]["motion"][gamma][3:]:
        moved = np.array(optical).reshape(2, 3, 2)
        assert not moved[..., 1].any()
        heavy, light = moved[0, :, 0], moved[1, :, 0]
        assert np.allclose(heavy, -ratio * light, atol=1.0)
        assert np.linalg.norm(light) == pytest.approx(1000, abs=1.5)


def test_a_large_cell_has_fewer_points_and_a_larger_one_no_modes(harvest: Harvest, diamond: Crystal, monkeypatch: pytest.MonkeyPatch) -> None:
    source = DispersionSource(harvest, diamond, "full")
    monkeypatch.setattr(gather, "NUMBERS_AT_MOST", 18 * 4 * 4 * 3)
    found = modes_of(source)
    assert found is not None
    assert [(stop.segment, stop.index) for stop in found.stops] == [(s, i) for s in range(4) for i in (0, 7, 14)]
    monkeypatch.setattr(gather, "ATOMS_AT_MOST", 1)
    assert modes_of(source) is None


def test_what_has_no_room_is_named(toy: Campaign, harvest: Harvest, written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    from campaign.report.page import page
    from campaign.report.topics import TOPICS

    crystals = {name: Crystal(name, cells) for name, cells in toy.spec.systems.items()}
    drawn = tuple(drawings(harvest, crystals))
    most = 6_800_000  # plotly's own code is 4.8 of it
    monkeypatch.setattr(screen, "MOST_BYTES", most)
    inside = alone(harvest, crystals, drawn, written[1] / "figures")
    assert 0 < sum(inside.lacks(one.payload.name) for one in drawn) < len(drawn)
    made = page(harvest, crystals, drawn, TOPICS).alone(inside)
    assert len(made.encode()) < most
    for one in drawn:
        assert inside.lacks(one.payload.name) == (f"{one.payload.name}.png, beside index.html" in made)
