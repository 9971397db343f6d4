"""Levels that are the user's, drawn and written: none without a colour, none with that of another, indices as such."""

from __future__ import annotations

from itertools import combinations

import pytest

from campaign.report.ink.plot import DASHES
from campaign.report.ink.style import ink, look, look_of_level
from campaign.report.straight_line import line_in
from campaign.report.titles import energies_title, title_of
from campaign.report.typeset import typeset

LEVELS = ("dft", "hf", "mp2", "ccsd", "ccsd(t)", "rpa", "hse06", "pbe0", "r2scan", "dft-d3", "dft_gamma", "mp3")


def test_usual_levels_look_apart():
    for one, other in combinations(LEVELS, 2):
        assert look_of_level(one) != look_of_level(other), (one, other)
        assert look(f"delta_{one}") != look(f"delta_{other}")
    for level in LEVELS[1:]:
        assert look(f"{level}_ef") not in (look("dft_ef"), look(f"delta_{level}"), look(f"{level}_e"))


@pytest.mark.parametrize("level", [*LEVELS, "dmc", "b3lyp-d3bj", "my_own_level"])
def test_every_level_has_a_look(level):
    for model in (f"{level}_ef", f"{level}_e", f"delta_{level}", f"delta_{level}_fc", f"{level}-blyp"):
        assert look(model).dash in DASHES
        assert look(model).fill.startswith("#")


def test_indices_are_set_as_such():
    assert typeset(title_of("dft_gamma_ef")) == "ML(DFT<sub>Γ</sub><sub>E,F</sub>)"
    assert typeset(title_of("ccsd(t)-dft_gamma")) == "ML(CCSD(T)-DFT<sub>Γ</sub>)"
    assert typeset(line_in("r2scan")) == "a straight line in E<sub>r2SCAN</sub>"
    assert typeset(line_in("dft-d3")) == "a straight line in E<sub>DFT-D3</sub>"
    assert ink(title_of("dft_gamma_ef")) == "ML(DFT$_{\\mathrm{Γ}}$$_{\\mathrm{E,F}}$)"
    assert title_of("dft-d3") == "DFT-D3"


def test_composites_say_what_they_are():
    assert energies_title(("ccsd(t)", "dft_gamma", "dft")) == "CCSD(T) - DFT_Γ + DFT"
    assert energies_title(("hf",)) == "HF"
