"""Errors, against the hand-made records that they come from."""

from __future__ import annotations

import pytest

from campaign.report.harvest import Harvest
from campaign.report.topics.errors.gather import errors_figure


def test_errors_are_of_sums_and_by_seed(harvest: Harvest) -> None:
    made = errors_figure(harvest, "diamond")
    assert made is not None
    assert [(panel.size, panel.split) for panel in made.panels] == [
        ("full", "train"),
        ("half", "train"),
        ("half", "test"),
    ]
    bars = {bar.model: bar for bar in made.panels[2].bars}
    assert list(bars) == ["dft_ef", "dft_e", "delta_hf", "delta_mp2", "delta_ccsd", "delta_ccsd(t)"]
    assert bars["dft_e"].values_meV_atom == pytest.approx((22.0, 26.4, 30.8))
    assert (bars["dft_e"].low, bars["dft_e"].high) == pytest.approx((22.0, 30.8))
    assert not bars["delta_ccsd"].learned
    assert "missing: 5192, " in made.caption
    assert made.caption.count("ΔML(HF)") == 3  # once a panel, with those that are like it
    assert "ΔML(CCSD) in (a), (b) and (c); the width" in made.caption
