from __future__ import annotations

import pytest

from flows.training.names import ModelName


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
