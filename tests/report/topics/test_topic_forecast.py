"""The figure of labels and errors: what is drawn is what the payload says, and words say what is drawn."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from campaign.report.topics.forecast.caption import forecast_alt, forecast_caption
from campaign.report.topics.forecast.ink import MOST_SHOWN_CM1, draw_forecast
from campaign.report.topics.forecast.payload import FitPoint, ForecastFigure, LevelPanel, NetworkPoint

CHOSEN = (
    FitPoint(count=12, apart_cm1=5.2, stated_cm1=3.0, left_meV_atom=0.3),
    FitPoint(count=30, apart_cm1=2.1, stated_cm1=2.4, left_meV_atom=0.2),
)
RANDOM = (FitPoint(count=12, apart_cm1=7.7, stated_cm1=6.0, left_meV_atom=0.4),)


def figure(**about: object) -> ForecastFigure:
    facts = {"letter": "a", "level": "hf", "title": "HF", "labelled": 100, "noise_meV_atom": 0.12, **about}
    panel = LevelPanel.model_validate(facts)
    return ForecastFigure(name="forecast_x", system="x", heading="How many labels: x", alt="", caption="", panels=(panel,))


def lines(drawn: Figure) -> dict[str, tuple[list[float], list[float]]]:
    return {str(line.get_label()): (list(line.get_xdata()), list(line.get_ydata())) for line in drawn.axes[0].get_lines()}


def test_every_point_is_drawn() -> None:
    network = NetworkPoint(count=90, seed=1, apart_cm1=4.0, left_meV_atom=0.25)
    shown = figure(chosen=CHOSEN, random=RANDOM, fitted=FitPoint(count=100, stated_cm1=1.8), networks=(network,))
    drawn = draw_forecast(shown)
    found = lines(drawn)
    assert found["chosen"] == ([12, 30], [5.2, 2.1])
    assert found["at random"] == ([12], [7.7])
    assert found["stated error"] == ([12, 30, 100], [3.0, 2.4, 1.8])
    assert found["MACE"] == ([90], [4.0])
    energies = [list(line.get_ydata()) for line in drawn.axes[1].get_lines()]
    assert [0.3, 0.2] in energies
    assert [0.4] in energies
    assert [0.25] in energies


def test_before_there_are_labels_the_prediction_stands_alone() -> None:
    shown = figure(labelled=0, noise_meV_atom=None, predicted=((5, 5 * MOST_SHOWN_CM1), (20, 12.0), (60, 2.1)), assumed_meV_atom=0.2, target_cm1=2.0)
    drawn = draw_forecast(shown)
    assert lines(drawn)["predicted before"] == ([20, 60], [12.0, 2.1])
    assert len(drawn.axes) == 1
    text = forecast_caption(shown).caption
    assert "0.2 meV/atom of noise, which was assumed" in text
    assert "target, 2 cm^-1" in text
    assert "predicted, 2.1 cm^-1 with 60 labels" in forecast_alt(shown)


@pytest.mark.parametrize("networks", [(), (NetworkPoint(count=50, seed=1, apart_cm1=3.0),)], ids=["without", "with"])
def test_crosses_are_named_where_there_are_some(networks: tuple[NetworkPoint, ...]) -> None:
    text = forecast_caption(figure(chosen=CHOSEN, networks=networks)).caption
    assert ("Crosses above" in text) is bool(networks)
    assert "Crosses below" not in text
    assert "HF: 100 labels, noise 0.12 meV/atom" in text
