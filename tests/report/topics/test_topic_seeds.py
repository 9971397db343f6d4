"""Every seed by itself, against the hand-made records that it comes from."""

from __future__ import annotations

import pytest

from campaign.report.crystal import Crystal
from campaign.report.dispersion.payload import Line, Panel
from campaign.report.dispersion.source import DispersionSource
from campaign.report.harvest import Harvest
from campaign.report.topics.seeds.gather import seeds_figure
from campaign.report.topics.seeds.ink import draw_seeds
from campaign.report.topics.seeds.payload import SeedsFigure


@pytest.fixture(scope="module")
def figure(harvest: Harvest, diamond: Crystal) -> SeedsFigure:
    made = seeds_figure(DispersionSource(harvest, diamond, "full"))
    assert made is not None
    return made


def test_seeds_stand_by_themselves(figure: SeedsFigure) -> None:
    assert [[line.seed for line in panel.lines if line.kind == "seed"] for panel in figure.panels][:2] == [
        [861, 5192, 5735],
        [861, 5192],
    ]
    assert len(figure.panels) == 6
    assert "(b) ML(DFT_E): seeds 861, 5192 (missing: 5735, to do)" in figure.caption


def test_lines_that_leave_the_range_carry_triangles(figure: SeedsFigure) -> None:
    low, high = figure.range_cm1
    path = figure.axis.distances
    wild = Line(
        kind="seed", model="dft_e", title="ML(DFT_E)", seed=1, learned=False,
        frequencies_cm1=tuple(tuple((low - 10, high + 10) for _ in x) for x in path),
    )  # fmt: skip
    drawn = draw_seeds(figure.model_copy(update={"panels": (Panel(letter="a", lines=(wild,)),)}))
    markers = [line.get_marker() for line in drawn.axes[0].get_lines()]
    assert {markers.count("^"), markers.count("v")} == {len(path)}
