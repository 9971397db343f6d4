"""Names of models and levels as they are written: ML(DFT_EF), ΔML(HF), DFT itself."""

from __future__ import annotations

from collections.abc import Iterable

from flows.training.names import ModelName


def is_model(name: str) -> bool:
    """Whether `name` is a model of ours; phonons of anything else are of a level itself."""
    try:
        ModelName.parse(name)
    except ValueError:
        return False
    return True


def title_of(model: str) -> str:
    """ML(DFT_EF), ΔML(HF); a bare level is called by its name, DFT."""
    return ModelName.parse(model).title() if is_model(model) else model.upper()


def phonons_title(model: str) -> str:
    """As `title_of`; phonons of a level are those of `DFT itself`."""
    return title_of(model) if is_model(model) else f"{title_of(model)} itself"


def listed(names: Iterable[str]) -> str:
    """`DFT, HF and MP2`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
