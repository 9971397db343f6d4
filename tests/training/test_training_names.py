from __future__ import annotations

import pytest

from flows.training.names import ModelName, is_level


@pytest.mark.parametrize(
    ("text", "kind", "level", "base", "title"),
    [
        ("dft_ef", "ef", "dft", None, "ML(DFT_EF)"),
        ("dft_e", "e", "dft", None, "ML(DFT_E)"),
        ("ccsd(t)-dft", "difference", "ccsd(t)", "dft", "ML(CCSD(T)-DFT)"),
        ("mp2-hf", "difference", "mp2", "hf", "ML(MP2-HF)"),
        ("delta_ccsd(t)", "sum", "ccsd(t)", None, "ΔML(CCSD(T))"),
    ],
)
def test_names_parse_and_spell_themselves(text, kind, level, base, title):
    name = ModelName.parse(text)

    assert (name.kind, name.level, name.base) == (kind, level, base)
    assert str(name) == text
    assert name.title() == title


@pytest.mark.parametrize(
    "text", ["", "dft", "dft_efs", "DFT_EF", "dft-dft", "a-b-c", "_ef", "delta_", "dft ef"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="not the name of a model"):
        ModelName.parse(text)


def test_levels_come_in_the_order_of_the_label_keys():
    assert ModelName.parse("ccsd(t)-dft").levels == ("ccsd(t)", "dft")
    assert ModelName.parse("dft_e").levels == ("dft",)


@pytest.mark.parametrize(
    ("text", "level", "base", "title"),
    [
        ("rpa-dft", "rpa", "dft", "ML(RPA-DFT)"),
        ("ccsd(t)-hf_fc", "ccsd(t)", "hf", "FC(CCSD(T)-HF)"),
        ("ccsd(t)-dft-d3", "ccsd(t)", "dft-d3", "ML(CCSD(T) - DFT-D3)"),
        ("dft-d3-dft", "dft-d3", "dft", "ML(DFT-D3 - DFT)"),
        ("fn-dmc-ri-rpa_fc", "fn-dmc", "ri-rpa", "FC(FN-DMC - RI-RPA)"),
        ("ccsd(t)-dft_gamma_fc", "ccsd(t)", "dft_gamma", "FC(CCSD(T)-DFT_Γ)"),
        ("hse06_ef", "hse06", None, "ML(HSE06_EF)"),
        ("rpa_e", "rpa", None, "ML(RPA_E)"),
        ("dft-d3_ef", "dft-d3", None, "ML(DFT-D3_EF)"),
        ("dft_gamma_e", "dft_gamma", None, "ML(DFT_Γ_E)"),
        ("delta_r2scan", "r2scan", None, "ΔML(r2SCAN)"),
        ("delta_dlpno-ccsd(t)_fc", "dlpno-ccsd(t)", None, "ΔFC(DLPNO-CCSD(T))"),
    ],
)
def test_names_of_levels_are_the_users(text, level, base, title):
    name = ModelName.parse(text)

    assert (name.level, name.base) == (level, base)
    assert str(name) == text
    assert name.title() == title


LEVELS = ("dft", "rpa", "hse06", "r2scan", "dft-d3", "pbe0-d3bj-u", "ri-rpa", "dft_gamma", "pbe+u", "d3x", "deltas", "dft_k222")


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_no_model_and_all_of_its_models_are_read_as_they_were_written(level):
    assert is_level(level)
    with pytest.raises(ValueError, match="not the name of a model"):
        ModelName.parse(level)
    for kind, base in (("ef", None), ("e", None), ("sum", None), *(("difference", other) for other in LEVELS if other != level)):
        for method in ("mace", "fc") if kind in ("sum", "difference") else ("mace",):
            name = ModelName(kind, level, base, method)
            assert ModelName.parse(str(name)) == name


@pytest.mark.parametrize("level", ["", "HF", "dft_e", "dft_ef", "dft_fc", "delta_hf", "delta", "d3", "ri", "a-b", "dft-d3-x", "a.b", "a b", "_a", "a/b"])
def test_what_would_be_read_as_something_else_names_no_level(level):
    assert not is_level(level)
