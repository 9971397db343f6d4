"""Names of models and levels as they are written: ML(DFT_EF), ΔML(HF), DFT itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from campaign.planning.work import is_model
from flows.training.names import ModelName, level_title


def title_of(model: str) -> str:
    """ML(DFT_EF), ΔML(HF); a bare level is called by its name, DFT."""
    return ModelName.parse(model).title() if is_model(model) else level_title(model)


def phonons_title(model: str) -> str:
    """As `title_of`; phonons of a level are those of `DFT itself`."""
    return title_of(model) if is_model(model) else f"{title_of(model)} itself"


def energies_title(levels: Sequence[str]) -> str:
    """`CCSD(T)`, or of a composite `CCSD(T) - DFT_Γ + DFT`."""
    first, *rest = map(title_of, levels)
    return first + "".join(f" {'+' if number % 2 else '-'} {one}" for number, one in enumerate(rest))


def listed(names: Iterable[str]) -> str:
    """`DFT, HF and MP2`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
